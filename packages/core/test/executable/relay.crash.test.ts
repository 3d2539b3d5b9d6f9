import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";

/* postrider-relay as a process: what it prints, what it answers, and how it ends. */

const main = fileURLToPath(new URL("../../src/executable/main.ts", import.meta.url));
const core = new URL("../../src/index.ts", import.meta.url).href;
const patience = { timeout: 15_000, interval: 10 };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "postrider-relay-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  readonly process: ChildProcess;
  said(): string;
  ended(): Promise<number | null>;
}

function run(...words: readonly string[]): Running {
  const child = spawn(process.execPath, ["--conditions=@postrider/source", main, ...words], { cwd: folder });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => (said += bytes.toString()));
  const exit = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return {
    process: child,
    said: () => said,
    ended: async () => {
      await exit;
      return child.exitCode;
    },
  };
}

/** A module of the user's. */
function config(name: string, text: string): string {
  writeFileSync(
    join(folder, name),
    `import { memory, memoryStore } from ${JSON.stringify(core)};\n${text}\n`,
  );
  return name;
}

const usual = `
const store = memoryStore();
const broker = memory();
export const config = { broker, store, relay: { minPollMs: 5 }, close: () => console.log("closed by the user") };`;

test("relays, answers /health on a loopback port, and ends with 0 after SIGTERM", async () => {
  const relay = run(config("usual.mjs", usual), "--health-port", "0");
  await vi.waitFor(() => expect(relay.said()).toMatch(/Health: http:\/\/127\.0\.0\.1:\d+\/health/), patience);
  const url = /http:\S+/.exec(relay.said())?.[0] ?? "";
  await vi.waitFor(async () => {
    const answer = await fetch(url);
    expect([answer.status, await answer.json()]).toMatchObject([200, { state: "leading" }]);
  }, patience);
  expect((await fetch(url.replace("/health", "/other"))).status).toBe(404);
  relay.process.kill("SIGTERM");
  expect(await relay.ended()).toBe(0);
  expect(relay.said()).toContain("closed by the user");
});

test("what is on its way when SIGTERM comes is confirmed before it ends", async () => {
  const relay = run(
    config(
      "slow.mjs",
      `
const store = memoryStore();
const real = memory();
const publish = async (messages) => {
  console.log("under way");
  await new Promise((resolve) => process.once("SIGTERM", resolve));
  console.log("confirmed");
  return messages.map(() => ({ status: "confirmed" }));
};
const event = { id: "1", source: "/s", type: "a.b.c.v1", specversion: "1.0", channel: "c", key: "k", shard: 0, extensions: {} };
await store.transaction(async (tx) => store.outbox.append(tx, [event]));
export const config = {
  broker: { ...real, publisher: { publish, publishRun: publish } },
  store,
  close: async () => console.log("left", (await store.relay.status()).backlog),
};`,
    ),
  );
  await vi.waitFor(() => expect(relay.said()).toContain("under way"), patience);
  relay.process.kill("SIGTERM");
  expect(await relay.ended()).toBe(0);
  expect(relay.said()).toMatch(/confirmed[\s\S]*left 0/);
});

test.each([
  ["no config", [], "Give one config module"],
  ["a config that is not there", ["nowhere.mjs"], "nowhere.mjs could not be loaded"],
  ["an option that does not exist", ["x.mjs", "--healthport", "1"], "--healthport"],
  ["a port that is none", ["x.mjs", "--health-port", "http"], "--health-port http"],
] as const)("ends with 2 and says why: %s", async (_, words, reason) => {
  const relay = run(...words);
  expect(await relay.ended()).toBe(2);
  expect(relay.said()).toContain(reason);
});

test.each([
  ["exports something else", "export const relay = {};", "must export 'config'"],
  ["has no store", "export const config = { broker: memory() };", "config.store is missing"],
  [
    "has an option that does not exist",
    "export const config = { broker: memory(), store: memoryStore(), relais: {} };",
    "relais",
  ],
])("ends with 2 for a config that %s", async (_, text, reason) => {
  const relay = run(config("wrong.mjs", text));
  expect(await relay.ended()).toBe(2);
  expect(relay.said()).toContain(reason);
});

test("ends with 1 when the database cannot be reached", async () => {
  const relay = run(
    config(
      "away.mjs",
      `
const store = { ...memoryStore(), assertSchema: async () => { throw new Error("nobody there"); } };
export const config = { broker: memory(), store };`,
    ),
  );
  expect(await relay.ended()).toBe(1);
  expect(relay.said()).toContain("nobody there");
});
