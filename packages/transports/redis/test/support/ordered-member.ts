// One member of an ordered group, as a process: `ordered-member.ts <url> <prefix> <group> <channel> <file> <name>`.
// It appends a line when it begins a message and one when it has ended it; told to leave, it closes properly.
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createMessaging, defineConsumer, defineEvent } from "@postrider/core";
import { redis } from "../../src/index.ts";

const [url = "", namePrefix = "", group = "", channel = "", file = "", name = ""] = process.argv.slice(2);

interface Step {
  readonly walker: string;
  readonly step: number;
}

/** Any step will do. */
const walked = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: value as Step }),
    types: undefined as { readonly input: Step; readonly output: Step } | undefined,
  },
};
const Stepped = defineEvent("com.example.walk.stepped.v1", {
  data: walked,
  key: (data) => data.walker,
  channel,
});
const note = (word: "begin" | "end", walker: string, step: number): void =>
  appendFileSync(file, `${name} ${word} ${walker} ${step}\n`);

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };
const messaging = await createMessaging({
  source: `/${name}`,
  broker: redis({ url, namePrefix, maxReconnectDelayMs: 500, leaseMs: 2_000 }),
  logger: quiet,
});
await messaging.consume(
  defineConsumer(group, { ordering: "key", inbox: "none", maxInFlight: 40 }).on(Stepped, async ({ data }) => {
    note("begin", data.walker, data.step);
    await delay((data.step * 7919) % 83);
    note("end", data.walker, data.step);
  }),
);
process.send?.("ready");
process.on("message", () => {
  void messaging.close().then(() => process.exit(0));
});
