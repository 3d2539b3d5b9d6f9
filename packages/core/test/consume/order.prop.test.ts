import { defineConsumer, fixed, type MemoryTransport } from "@postrider/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OrderPlaced } from "./support/events.ts";
import { eager, withoutDelay } from "./support/transports.ts";
import { createWorld, type World } from "./support/world.ts";

const attempts = 3;
const keys = Array.from({ length: 16 }, (_, key) => `key-${key}`);
const perKey = 4;

/** How many attempts of each message fail, from none to all of them; of 16 keys with 4 messages each. */
const failures = fc.array(fc.integer({ min: 0, max: attempts }), {
  minLength: 16 * perKey,
  maxLength: 16 * perKey,
});

const transportOf: Readonly<Record<string, (world: World) => MemoryTransport | undefined>> = {
  ordered: () => undefined,
  eager,
  "eager, without delay": (world) => withoutDelay(eager(world)),
};

test.each(["single", "batch", "batch with fail()"] as const)(
  "36. 16 keys with failures in them: no message of a key runs before an earlier one has ended (%s)",
  async (mode) => {
    await fc.assert(
      fc.asyncProperty(failures, fc.constantFrom(...Object.keys(transportOf)), async (failing, transport) => {
        const runs = await play(mode, failing, transport);
        for (const key of keys)
          expect(withoutRepeats(runs.get(key) ?? [])).toEqual(Array.from({ length: perKey }, (_, n) => n));
      }),
      { seed: 4711, numRuns: 4 },
    );
  },
);

/** For each key the numbers of its messages as their handlers ran, attempt by attempt. */
async function play(
  mode: "single" | "batch" | "batch with fail()",
  failing: readonly number[],
  transport: string,
): Promise<ReadonlyMap<string, number[]>> {
  const world = createWorld();
  const service = await world.service({ transport: transportOf[transport]?.(world) });
  const runs = new Map<string, number[]>();
  const plannedFor = (data: { orderId: string; n: number }) =>
    failing[keys.indexOf(data.orderId) * perKey + data.n] ?? 0;
  const run = (data: { orderId: string; n: number }, attempt: number): void => {
    runs.set(data.orderId, [...(runs.get(data.orderId) ?? []), data.n]);
    if (attempt <= plannedFor(data)) throw new Error("planned");
  };
  const options = {
    inbox: "none",
    ordering: "key",
    retry: fixed({ attempts, delayMs: 5 }),
    maxInFlight: 200,
  } as const;
  const consumer =
    mode === "single"
      ? defineConsumer("g", options).on(OrderPlaced, ({ data }, { attempt }) => run(data, attempt))
      : defineConsumer("g", options).onBatch(
          OrderPlaced,
          (events, { delivery, fail }) => {
            const bad = events.some((event) => delivery(event).attempt <= plannedFor(event.data));
            if (bad && events.length > 1 && mode === "batch") throw new Error("planned, for all");
            const failedKeys = new Set<string>();
            for (const event of events) {
              try {
                if (failedKeys.has(event.data.orderId)) throw new Error("behind one that failed");
                run(event.data, delivery(event).attempt);
              } catch (error) {
                failedKeys.add(event.data.orderId);
                fail(event, error);
              }
            }
          },
          { maxSize: 20, maxWaitMs: 1 },
        );
  await service.consume(consumer);
  for (let n = 0; n < perKey; n += 1)
    await service.publishBatch(keys.map((orderId) => OrderPlaced({ orderId, n })));
  await world.drainedInTime("g");
  await service.close();
  return runs;
}

/** Attempts of one message one after another are one run of it. */
function withoutRepeats(numbers: readonly number[]): number[] {
  return numbers.filter((n, index) => n !== numbers[index - 1]);
}
