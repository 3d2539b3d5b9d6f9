import type { MemoryTx } from "@postrider/core";
import { beforeAll, describe, expect, test } from "vitest";
import { brokenStores, inboxSuite, outboxSuite, withStoreFault } from "../src/index.ts";
import type { StoreHarness } from "../src/index.ts";
import { memoryStoreHarness } from "./support/memory-harness.ts";
import { findRed } from "./support/red-cases.ts";
import type { Finding, Register } from "./support/red-cases.ts";
import { redOfStores } from "./support/red-of-stores.ts";
import { speakingSql } from "./support/sql-speaking.ts";

const register =
  (broken: (typeof brokenStores)[number]): Register =>
  (runner, options) => {
    const harness = withStoreFault(sqlHarness(), broken);
    outboxSuite(runner, harness, options);
    inboxSuite(runner, harness, options);
  };

function sqlHarness(): StoreHarness<MemoryTx> {
  const harness = memoryStoreHarness();
  return {
    ...harness,
    create: async () => {
      const database = await harness.create();
      return { ...database, open: async () => speakingSql(await database.open()) };
    },
  };
}

describe("151. a broken store turns exactly its cases red", () => {
  let found: Readonly<Record<string, Finding>> = {};
  beforeAll(async () => {
    found = await findRed(
      Object.fromEntries(brokenStores.map((one) => [one.name, register(one)])),
      redOfStores,
    );
  }, 120_000);

  test.each(brokenStores)("one that $fault", ({ name }) => {
    expect(found[name]?.red.toSorted()).toEqual(redOfStores[name]?.toSorted());
    expect(found[name]?.red).not.toEqual([]);
  });

  test("every case is turned red by one of them, so that no case is green whatever happens", () => {
    const red = new Set(Object.values(found).flatMap((one) => one.red));
    const titles = new Set(Object.values(found).flatMap((one) => one.titles));
    expect([...titles].filter((title) => !red.has(title))).toEqual(["teardown"]);
  });

  test("the table of red cases names no store that there is not", () => {
    expect(Object.keys(redOfStores).toSorted()).toEqual(brokenStores.map((one) => one.name).toSorted());
  });
});
