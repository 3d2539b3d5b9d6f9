import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const messagingPreamble = `
import { createMessaging, defineConsumer, defineEvent, memory, memoryBroker, memoryStore } from "@postrider/core";
const Ticked = defineEvent("test.ticks.ticked.v1", {
  data: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
});
const lines = [];
const log = (level) => (message, context) => level === "error" && console.log("error:", message, context.reason);
const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
const messaging = await createMessaging({ source: "/child", broker: memory(), logger });
`;

const turns = `
const turns = async () => {
  for (let n = 0; n < 50; n += 1) await new Promise((resolve) => setImmediate(resolve));
};
`;

/** Runs a module in a process of its own, with a messaging on a broker in memory, until it ends by itself. */
export function runChild(code: string, options: ChildOptions = {}): Promise<Ended> {
  return run(messagingPreamble + turns + code, options);
}

/** The same without the library: how Node itself behaves. */
export function runNative(code: string, options: ChildOptions = {}): Promise<Ended> {
  return run(turns + code, options);
}

export interface ChildOptions {
  readonly nodeOptions?: string | undefined;
}

function run(code: string, { nodeOptions = "" }: ChildOptions): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ["--conditions=@postrider/source", "--input-type=module", "--eval", code],
    {
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      env: { ...process.env, NODE_OPTIONS: nodeOptions },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => (output[name] += text));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...output }));
  });
}
