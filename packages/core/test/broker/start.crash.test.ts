import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

test("54. a start that waits keeps the process alive: Node would end it as if it were done", () => {
  const program = `
    import { createMessaging, memory, memoryBroker } from "@postrider/core";
    const broker = memoryBroker();
    broker.stop();
    setTimeout(() => broker.start(), 500).unref();
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const messaging = await createMessaging({ source: "/a", broker: memory({ broker }), logger, startRetryMs: 20_000 });
    console.log("started", (await messaging.health()).broker.state);
    await messaging.close();
  `;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--conditions=@postrider/source",
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "--eval",
      program,
    ],
    { cwd: import.meta.dirname, encoding: "utf8" },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "started ready\n", stderr: "" });
});
