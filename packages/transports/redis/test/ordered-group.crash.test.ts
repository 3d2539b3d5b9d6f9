import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { checkWalks } from "./support/walk-check.ts";

const child = fileURLToPath(new URL("support/ordered-member.ts", import.meta.url));
const walkers = 48;
const channel = "com.example.walk";
const type = "com.example.walk.stepped.v1";

describe("processes that consume an ordered group", () => {
  const folder = mkdtempSync(join(tmpdir(), "ordered-"));
  const file = join(folder, "log");
  const running = new Map<string, ChildProcess>();
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
    writeFileSync(file, "");
  });
  afterAll(async () => {
    for (const one of running.values()) one.kill("SIGKILL");
    rmSync(folder, { recursive: true });
    await broker.remove();
  });

  const lines = (): readonly string[] =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  const start = async (name: string): Promise<void> => {
    const started = fork(child, [broker.url, broker.prefix, "walks", channel, file, name], {
      execArgv: ["--conditions=@postrider/source"],
    });
    running.set(name, started);
    await once(started, "message");
  };
  const end = async (name: string, how: "kill" | "leave"): Promise<void> => {
    const one = running.get(name);
    running.delete(name);
    if (one === undefined) return;
    if (how === "kill") one.kill("SIGKILL");
    else one.send("leave");
    await once(one, "exit");
  };
  const workedBy = (name: string): number => lines().filter((line) => line.startsWith(`${name} end`)).length;

  test("34, 36, 53. keep the order of each key while members join, leave and are killed, and lose nothing", async () => {
    await start("first");
    const { transport } = await broker.transport();
    await transport.connect();
    let steps = 0;
    const enough = new AbortController();
    // As long as it takes the processes to start, and some rounds beyond.
    const publish = async (): Promise<void> => {
      while (!enough.signal.aborted) {
        const step = (steps += 1);
        const batch = Array.from({ length: walkers }, (_, index) => {
          const walker = `walker-${index}`;
          const body = Buffer.from(JSON.stringify({ walker, step }));
          return outgoing(channel, { type, key: walker, shard: index % 16, body });
        });
        const outcomes = await transport.publisher.publish(batch, { deadlineMs: 10_000 });
        expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["confirmed"]));
        await delay(100);
      }
    };
    const published = publish();
    await expect.poll(() => workedBy("first")).toBeGreaterThan(100);
    await Promise.all([start("second"), start("third")]);
    // Both got their share while the first went on.
    await expect
      .poll(() => Math.min(workedBy("second"), workedBy("third")), { timeout: 20_000 })
      .toBeGreaterThan(50);
    await end("second", "kill");
    await start("fourth");
    await expect.poll(() => workedBy("fourth"), { timeout: 20_000 }).toBeGreaterThan(50);
    await end("first", "leave");
    await end("fourth", "kill");
    enough.abort();
    await published;

    const expected = new Map(Array.from({ length: walkers }, (_, index) => [`walker-${index}`, steps]));
    const killed = new Set(["second", "fourth"]);
    const found = () => checkWalks(lines(), expected, killed);
    await expect.poll(() => found().lost, { timeout: 30_000 }).toEqual([]);
    const { overtaken, overlapping, duplicates } = found();
    expect({ overtaken, overlapping }).toEqual({ overtaken: [], overlapping: [] });
    // Only what was in hand when a process died comes twice.
    expect(duplicates).toBeLessThanOrEqual(2 * 40);
  }, 120_000);

  test("100. a member that is frozen until its lease is another's changes nothing when it wakes up", async () => {
    writeFileSync(file, "");
    const own = "walks-frozen";
    const from = `com.example.frozen`;
    const launch = async (name: string): Promise<ChildProcess> => {
      const started = fork(child, [broker.url, broker.prefix, own, from, file, name], {
        execArgv: ["--conditions=@postrider/source"],
      });
      running.set(name, started);
      await once(started, "message");
      return started;
    };
    const sleeper = await launch("sleeper");
    const { transport } = await broker.transport();
    await transport.connect();
    let steps = 0;
    const publish = async (): Promise<void> => {
      const step = (steps += 1);
      const batch = Array.from({ length: walkers }, (_, index) => {
        const walker = `walker-${index}`;
        return outgoing(from, {
          type,
          key: walker,
          shard: index % 16,
          body: Buffer.from(JSON.stringify({ walker, step })),
        });
      });
      await transport.publisher.publish(batch, { deadlineMs: 10_000 });
    };
    for (let round = 0; round < 3; round += 1) await publish();
    await expect.poll(() => workedBy("sleeper")).toBeGreaterThan(60);
    sleeper.kill("SIGSTOP");
    for (let round = 0; round < 3; round += 1) await publish();
    await launch("heir");
    // All of it: what the sleeper held, and what was on its way to it.
    await expect.poll(() => workedBy("heir"), { timeout: 30_000 }).toBeGreaterThan(walkers);
    sleeper.kill("SIGCONT");
    for (let round = 0; round < 3; round += 1) await publish();
    const expected = new Map(Array.from({ length: walkers }, (_, index) => [`walker-${index}`, steps]));
    const found = () => checkWalks(lines(), expected, new Set(["sleeper"]));
    await expect.poll(() => found().lost, { timeout: 30_000 }).toEqual([]);
    expect(found().overtaken).toEqual([]);
    // What was in its hands already it may go on with, and begin once more: that is for the inbox.
    expect(found().overlapping.filter((line) => !line.startsWith("sleeper "))).toEqual([]);
  }, 90_000);
});
