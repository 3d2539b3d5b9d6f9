import { createRelay, defineConsumer, fixed, memory, noRetry, onError } from "@postrider/core";
import { expect, test } from "vitest";
import { Ticked } from "../consume/support/events.ts";
import { createWorld } from "../consume/support/world.ts";
import { registerSdk } from "../telemetry/support/sdk.ts";

const megabytes = "x".repeat(5_000_000);

/** An error all of whose texts are as long as a document. */
function longError(): Error {
  const error = Object.assign(new Error(megabytes), { name: megabytes, code: megabytes });
  error.stack = megabytes;
  return error;
}

/** The longest text anywhere in it. */
function longest(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return 0;
  return Math.max(0, ...Object.values(value).map(longest));
}

test("an error of megabytes is short in every log line, in the spans and measures, and in its letter", async () => {
  const sdk = registerSdk();
  const world = createWorld();
  const service = await world.service();
  let attempts = 0;
  const consumer = defineConsumer("g", {
    inbox: "none",
    retry: fixed({ attempts: 2, delayMs: 1 }),
    errors: [
      onError(() => {
        if ((attempts += 1) === 1) throw longError(); // a rule that fails is told, too
        return false;
      }, "discard"),
    ],
  }).on(Ticked, () => {
    throw longError();
  });
  await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drainedInTime("g");
  expect(world.logger.lines.map(({ message }) => message)).toContain("A message went to the dead letters");
  expect(longest(world.logger.lines)).toBeLessThanOrEqual(1_025);
  const spans = sdk.spans().map(({ attributes, status, events }) => ({ attributes, status, events }));
  expect(spans.filter(({ events }) => events.length > 0)).toHaveLength(2);
  expect(longest(spans)).toBeLessThanOrEqual(4_097);
  expect(longest(await sdk.metrics())).toBeLessThanOrEqual(129);
  const [letter] = world.broker.inspect().deadLetters;
  expect(Object.values(letter?.headers ?? {}).join("").length).toBeLessThan(16_384);
});

test("an error of megabytes is short in what health tells", async () => {
  const world = createWorld();
  const store = world.store();
  const failing = { ...store, ping: () => Promise.reject(longError()) };
  const service = await world.storing(failing);
  expect(longest(await service.health())).toBeLessThanOrEqual(1_025);
  const relay = createRelay({
    store: { ...store, relay: { ...store.relay, acquire: () => Promise.reject(longError()) } },
    transport: memory({ broker: world.broker, clock: world.clock }),
    clock: world.clock,
    logger: world.logger,
  });
  relay.start();
  await world.clock.runUntil(() => relay.health().state === "waiting-for-store");
  expect(longest(relay.health())).toBe(1_025);
  await relay.stop();
});

test("a dead letter that is consumed and fails again is told shortly", async () => {
  const world = createWorld();
  const service = await world.service();
  await service.consume(
    defineConsumer("g", { inbox: "none", retry: noRetry() }).on(Ticked, () => {
      throw longError();
    }),
  );
  let calls = 0;
  await service.consumeDeadLetters("g", () => {
    calls += 1;
    if (calls === 1) throw longError();
  });
  await service.publish(Ticked({ n: 1 }));
  await world.clock.runUntil(() => calls === 2);
  expect(longest(world.logger.lines)).toBeLessThanOrEqual(1_025);
});
