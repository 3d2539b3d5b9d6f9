import { beforeAll, describe, expect, test } from "vitest";
import {
  brokenTransports,
  collectCases,
  runCases,
  transportSuite,
  withTransportFault,
} from "../src/index.ts";
import type { TransportHarness } from "../src/index.ts";
import { memoryTransportHarness } from "./support/memory-harness.ts";
import { findRed } from "./support/red-cases.ts";
import type { Finding, Register } from "./support/red-cases.ts";
import { redOfTransports } from "./support/red-of-transports.ts";

const oneBroker = "16. two brokers in one process do not cross";

const register =
  (broken: (typeof brokenTransports)[number]): Register =>
  (runner, options) =>
    void transportSuite(runner, withTransportFault(memoryTransportHarness(), broken), options);

describe("151. a broken transport turns exactly its cases red", () => {
  let found: Readonly<Record<string, Finding>> = {};
  beforeAll(async () => {
    found = await findRed(
      Object.fromEntries(brokenTransports.map((one) => [one.name, register(one)])),
      redOfTransports,
    );
  }, 300_000);

  test.each(brokenTransports)("one that $fault", ({ name }) => {
    expect(found[name]?.red).toEqual(redOfTransports[name]);
    expect(found[name]?.red).not.toEqual([]);
  });

  test("every case is turned red by one of them, so that no case is green whatever happens", () => {
    const red = new Set(Object.values(found).flatMap((one) => one.red));
    const titles = new Set(Object.values(found).flatMap((one) => one.titles));
    expect([...titles].filter((title) => !red.has(title))).toEqual([]);
  });

  test("the table of red cases names no transport that there is not", () => {
    expect(Object.keys(redOfTransports).toSorted()).toEqual(
      brokenTransports.map((one) => one.name).toSorted(),
    );
  });
});

describe("151. what no transport alone can break", () => {
  test("two brokers that are one turn the case about two brokers red", async () => {
    const harness = memoryTransportHarness();
    const crossed: TransportHarness = { ...harness, createElsewhere: harness.create };
    const all = collectCases((runner) => transportSuite(runner, crossed));
    const results = await runCases({ ...all, cases: all.cases.filter((one) => one.title === oneBroker) });
    expect(results.map(({ title, passed }) => [title, passed])).toEqual([
      [oneBroker, false],
      ["teardown", true],
    ]);
  });
});
