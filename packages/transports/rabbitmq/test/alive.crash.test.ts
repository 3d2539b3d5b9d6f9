import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { openProxy } from "./support/proxy.ts";

const child = fileURLToPath(new URL("support/lasting-child.ts", import.meta.url));
let broker: TestBroker;
beforeAll(async () => {
  broker = await createBroker();
});
afterAll(() => broker.remove());

test("50. a process that only consumes lives through an outage, and ends by itself when it has closed", async () => {
  const proxy = await openProxy(broker.url);
  const url = new URL(broker.url);
  url.port = String(proxy.port);
  const running = spawn(process.execPath, ["--conditions=@postrider/source", child, url.href], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(running, "exit");
  let said = "";
  running.stdout.on("data", (text: Buffer) => (said += text.toString()));
  const states = () => said.trim().split("\n");
  await expect.poll(states, { timeout: 10_000 }).toEqual(["consuming"]);
  proxy.shut();
  await expect.poll(states).toContain("reconnecting");
  // Several attempts, at most 200 ms apart, find nobody.
  await expect.poll(() => proxy.refused(), { timeout: 10_000 }).toBeGreaterThan(5);
  proxy.reopen();
  await expect.poll(() => states().at(-1), { timeout: 10_000 }).toBe("ready");
  running.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(states().at(-1)).toBe("closed");
  await proxy.close();
});
