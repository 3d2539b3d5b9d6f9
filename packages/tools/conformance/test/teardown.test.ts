import { memory, memoryBroker } from "@postrider/core";
import type { Transport } from "@postrider/core";
import { describe, expect, test } from "vitest";
import {
  brokenTransports,
  collectCases,
  outboxSuite,
  runCases,
  teardownTitle,
  transportSuite,
  withTransportFault,
} from "../src/index.ts";
import type { TransportHarness } from "../src/index.ts";
import { memoryStoreHarness } from "./support/memory-harness.ts";

/** A harness that writes down what was asked of it. */
function watchedHarness() {
  const broker = memoryBroker();
  const created: Transport[] = [];
  const calls = { setup: 0, teardown: 0 };
  let channels = 0;
  const harness: TransportHarness = {
    name: "watched",
    capabilities: memory({ broker }).capabilities,
    create: async () => {
      const transport = memory({ broker });
      created.push(transport);
      return transport;
    },
    channel: () => `channel-${(channels += 1)}`,
    setup: async () => void (calls.setup += 1),
    teardown: async () => void (calls.teardown += 1),
  };
  return { harness, created, calls };
}

const brokenBy = (name: string): (typeof brokenTransports)[number] => {
  const broken = brokenTransports.find((one) => one.name === name);
  if (broken === undefined) throw new Error(`no fault called ${name}`);
  return broken;
};

describe("151. the teardown of the suites", () => {
  test("closes every transport and runs the harness's own once, when all is well", async () => {
    const { harness, created, calls } = watchedHarness();
    const results = await runCases(collectCases((runner) => transportSuite(runner, harness, { load: 0.02 })));
    expect(results.filter((one) => !one.passed)).toEqual([]);
    expect(created.length).toBeGreaterThan(50);
    expect(created.filter((one) => one.state() !== "closed")).toEqual([]);
    expect(calls).toEqual({ setup: 1, teardown: 1 });
  });

  test("does so too when cases fail and run out of time", async () => {
    const { harness, created, calls } = watchedHarness();
    const options = { timeoutMs: 150, load: 0.02 };
    const broken = withTransportFault(harness, brokenBy("loses"));
    const results = await runCases(
      collectCases((runner) => transportSuite(runner, broken, options)),
      { concurrency: 16 },
    );
    expect(results.filter((one) => !one.passed).length).toBeGreaterThan(20);
    expect(created.filter((one) => one.state() !== "closed")).toEqual([]);
    expect(calls).toEqual({ setup: 1, teardown: 1 });
  });

  test("is red itself when something does not close, and goes on with the rest", async () => {
    const { harness, calls } = watchedHarness();
    const broken = withTransportFault(harness, brokenBy("hangs on close"));
    const all = collectCases((runner) => transportSuite(runner, broken, { timeoutMs: 2_000, cleanupMs: 50 }));
    const first = all.cases.find((one) => one.title.startsWith("4. a binary body"));
    const results = await runCases({ ...all, cases: first === undefined ? [] : [first] });
    expect(results.map(({ title, passed }) => [title, passed])).toEqual([
      ["4. a binary body arrives byte for byte", true],
      [teardownTitle, false],
    ]);
    expect(String(results.at(-1)?.error)).toContain("closing a transport did not end in time");
    expect(calls.teardown).toBe(1);
  });

  test("drops every database, when a case fails too", async () => {
    const harness = memoryStoreHarness();
    const calls = { created: 0, dropped: 0 };
    const counted = {
      ...harness,
      create: async () => {
        const database = await harness.create();
        calls.created += 1;
        return {
          ...database,
          readEffects: () => Promise.reject(new Error("broken by the test")),
          drop: async () => {
            calls.dropped += 1;
            await database.drop();
          },
        };
      },
    };
    const results = await runCases(collectCases((runner) => outboxSuite(runner, counted, { load: 0.02 })));
    expect(results.filter((one) => !one.passed).map((one) => one.title)).toEqual([
      "116. the application's rows and the events commit together, and a failure leaves neither",
    ]);
    expect(calls.created).toBe(results.length - 1);
    expect(calls.dropped).toBe(calls.created);
  });
});

describe("a case that runs out of time", () => {
  test("says what it was waiting for", async () => {
    const { harness } = watchedHarness();
    const broken = withTransportFault(harness, brokenBy("loses"));
    const all = collectCases((runner) => transportSuite(runner, broken, { timeoutMs: 100 }));
    const cases = all.cases.filter((one) => one.title.startsWith("13."));
    const [result] = await runCases({ ...all, cases });
    expect(String(result?.error)).toMatch(
      /not done within 100 ms, still waiting for: deliveries 1 to 10 of group conformance-/,
    );
  });
});
