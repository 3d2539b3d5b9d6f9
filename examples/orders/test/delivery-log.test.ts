import type { Delivery } from "@postrider/core";
import { expect, test } from "vitest";
import { createLog } from "../src/demo/log.ts";
import { createDeliveryLog } from "../src/shipping/delivery-log.ts";
import type { Sql } from "../src/wiring/database.ts";

const delivery = (orderId: string): Delivery => ({
  message: {
    channel: "c",
    key: undefined,
    attributes: { partitionkey: orderId },
    headers: {},
    contentType: undefined,
    body: undefined,
  },
  attempt: 1,
  redelivered: false,
  origin: {},
  signal: new AbortController().signal,
  settle: () => Promise.resolve(),
});

/** Statements wait until they are let through. */
function gatedSql() {
  const waiting: { values: unknown; let(error?: Error): void }[] = [];
  const sql: Sql = {
    query: (_, values) =>
      new Promise((resolve, reject) => {
        waiting.push({
          values,
          let: (error) => (error === undefined ? resolve({ rows: [] }) : reject(error)),
        });
      }),
  };
  return { sql, waiting };
}

test("a delivery is handed over once its row is committed, in the order they came, several rows at once", async () => {
  const { sql, waiting } = gatedSql();
  const log = createDeliveryLog(sql, createLog(() => {}).logger);
  const handed: string[] = [];
  for (const id of ["a", "b", "c"]) log.record(delivery(id), () => handed.push(id));
  expect(waiting.map(({ values }) => values)).toEqual([[["a"], [1]]]);
  expect(handed).toEqual([]);
  waiting[0]?.let();
  await expect.poll(() => waiting.length).toBe(2);
  expect(handed).toEqual(["a"]);
  expect(waiting[1]?.values).toEqual([
    ["b", "c"],
    [1, 1],
  ]);
  waiting[1]?.let();
  await log.idle();
  expect(handed).toEqual(["a", "b", "c"]);
});

test("a row that cannot be written is told, and holds no delivery back", async () => {
  const { sql, waiting } = gatedSql();
  const { logger, lines } = createLog(() => {});
  const log = createDeliveryLog(sql, logger);
  const handed: string[] = [];
  log.record(delivery("a"), () => handed.push("a"));
  waiting[0]?.let(new Error("disk full"));
  await log.idle();
  expect(handed).toEqual(["a"]);
  expect(lines()).toEqual([expect.stringContaining("disk full")]);
});
