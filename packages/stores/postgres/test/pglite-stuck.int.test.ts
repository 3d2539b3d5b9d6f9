import { PGlite } from "@electric-sql/pglite";
import { fakeClock } from "@postrider/core/testing";
import { pgliteTransactor } from "@postrider/core/sql";
import { postgres } from "@postrider/postgres";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";

let database: PGlite;
beforeAll(async () => {
  database = await PGlite.create();
});
afterAll(() => database.close());

const stuck = expect.stringMatching(/open for 5 s.*database object instead of `tx`/);

test("work that uses the database object instead of its transaction is told after five seconds, with the likely cause", async () => {
  // It hangs for good: a database of its own.
  const own = await PGlite.create();
  const clock = fakeClock();
  const lines: string[] = [];
  const warn = (message: string) => void lines.push(message);
  const logger = { debug: warn, info: warn, warn, error: warn };
  const store = postgres({ pglite: own, clock, logger });
  let begun = false;
  void store.transaction(async () => {
    begun = true;
    await own.query("SELECT 1");
  });
  await vi.waitUntil(() => begun);
  await clock.advance(4_999);
  expect(lines).toEqual([]);
  await clock.advance(1);
  expect(lines).toEqual([stuck]);
});

test("without a logger it is a warning of the process", async () => {
  const warned: string[] = [];
  const onWarning = ({ message }: Error) => void warned.push(message);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const clock = fakeClock();
  const { transaction } = pgliteTransactor(database, { clock });
  await transaction(async () => {
    await clock.advance(5_000);
  });
  await vi.waitUntil(() => warned.length > 0);
  expect(warned).toEqual([stuck]);
});

test("a transaction that ends in time says nothing, and leaves no timer", async () => {
  const clock = fakeClock();
  const { transaction } = pgliteTransactor(database, { clock });
  await transaction(async (tx) => tx.query("SELECT 1"));
  await expect(
    transaction(async () => {
      throw new Error("no");
    }),
  ).rejects.toThrow("no");
  expect(clock.pendingTimers()).toBe(0);
});
