import { defineConsumer, noRetry, type MemoryStore } from "@postrider/core";
import { expect, test } from "vitest";
import { Ticked } from "./support/events.ts";
import { createWorld } from "./support/world.ts";

const warnings = (world: ReturnType<typeof createWorld>) =>
  world.logger.lines.filter(({ level }) => level === "warn");

function pooled(store: MemoryStore, poolSize: number | undefined, waiting?: number): MemoryStore {
  return { ...store, poolSize, poolWaiting: () => waiting };
}

const consumer = (name: string, concurrency: number) =>
  defineConsumer(name, { concurrency }).on(Ticked, () => {});

test("a pool smaller than the concurrency and two more is said once per consumer, with the number to set", async () => {
  const world = createWorld();
  const service = await world.storing(pooled(world.store(), 10));
  const small = await service.consume(consumer("small", 8));
  expect(warnings(world)).toEqual([]);
  await service.consume(consumer("large", 5));
  expect(warnings(world)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/has 10 connections, and 15 may be needed at once.+Set its max to 15/),
      context: { consumer: "large", concurrency: 5, poolSize: 10, needed: 15 },
    }),
  ]);
  await small.close();
  await service.consume(consumer("third", 3));
  expect(warnings(world)).toHaveLength(1);
});

test("nothing is said where the store has no pool, or does not tell its size", async () => {
  const world = createWorld();
  const service = await world.storing(pooled(world.store(), undefined));
  await service.consume(consumer("large", 1_000));
  expect(warnings(world)).toEqual([]);
});

test.each([
  [3, "did not settle within 1000 ms. All connections of the database pool were taken, and 3 waited for one"],
  [0, "did not settle within 1000 ms."],
])("with %i callers in line at the pool a handler that took too long says so", async (waiting, said) => {
  const world = createWorld();
  const service = await world.storing(pooled(world.store(), 50, waiting));
  const stuck = defineConsumer("stuck", { timeoutMs: 1_000, retry: noRetry() }).on(
    Ticked,
    () => new Promise(() => {}),
  );
  await service.consume(stuck);
  await service.publish(Ticked({ n: 1 }));
  await world.drainedInTime("stuck");
  const told = JSON.stringify(world.logger.lines.find(({ level }) => level === "error"));
  expect(told).toContain(said);
  expect(told.includes("All connections")).toBe(waiting > 0);
});
