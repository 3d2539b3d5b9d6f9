import { domainHandlers, type MemoryTx } from "@postrider/core";
import { createRecorder, defineDomainEvent, type DomainEvent } from "@postrider/core/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Ticked } from "../support/orders.ts";
import { keeping } from "./support.ts";

/*
 * Random cascades against a model that fits on a page: a list, and a loop that takes its head. Every event type has
 * handlers; a handler takes steps: it records on one of three aggregates or on the unit, publishes, or throws.
 */

const types = ["a", "b", "c"] as const;
type Type = (typeof types)[number];
type Event = DomainEvent<Type, { readonly fuel: number }>;
const define = {
  a: defineDomainEvent<Event>("a"),
  b: defineDomainEvent<Event>("b"),
  c: defineDomainEvent<Event>("c"),
};

type Step =
  | { readonly kind: "record"; readonly type: Type; readonly on: 0 | 1 | 2 | "unit" }
  | { readonly kind: "publish"; readonly n: number }
  | { readonly kind: "throw" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      type: fc.constantFrom(...types),
      on: fc.constantFrom<0 | 1 | 2 | "unit">(0, 1, 2, "unit"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const), n: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "throw" as const }) },
);
const steps = fc.array(step, { maxLength: 3 });
const cases = fc.record({
  work: fc.array(step, { maxLength: 5 }),
  fuel: fc.nat(4),
  handlers: fc.array(
    fc.record({ type: fc.constantFrom(...types), order: fc.integer({ min: -1, max: 1 }), steps }),
    { maxLength: 5 },
  ),
  maxDepth: fc.integer({ min: 1, max: 6 }),
  maxEvents: fc.integer({ min: 1, max: 30 }),
});
type Case = typeof cases extends fc.Arbitrary<infer C> ? C : never;

/** What a run comes to: the calls of handlers, the events published, or why it was rolled back. */
interface Outcome {
  readonly calls: readonly string[];
  readonly published: readonly number[];
  readonly failed: "thrown" | "cascade" | undefined;
}

class Stop extends Error {
  readonly why: "thrown" | "cascade";
  constructor(why: "thrown" | "cascade") {
    super(why);
    this.why = why;
  }
}

function model({ work, fuel, handlers, maxDepth, maxEvents }: Case): Outcome {
  const calls: string[] = [];
  const published: number[] = [];
  const queue: { readonly type: Type; readonly fuel: number; readonly depth: number }[] = [];
  const take = (taken: readonly Step[], left: number, depth: number): void => {
    const recorded: (typeof queue)[number][] = [];
    for (const one of taken) {
      if (one.kind === "throw") throw new Stop("thrown");
      if (one.kind === "publish") published.push(one.n);
      else if (left > 0) recorded.push({ type: one.type, fuel: left - 1, depth });
    }
    for (const event of recorded) {
      if (event.depth > maxDepth || queue.length >= maxEvents) throw new Stop("cascade");
      queue.push(event);
    }
  };
  try {
    take(work, fuel + 1, 1);
    for (let at = 0; at < queue.length; at += 1) {
      const event = queue[at];
      if (event === undefined) break;
      const mine = handlers
        .map((handler, index) => ({ handler, index }))
        .filter(({ handler }) => handler.type === event.type);
      for (const { handler, index } of mine.toSorted((x, y) => x.handler.order - y.handler.order)) {
        calls.push(`${index} ${event.type} ${event.depth} ${event.fuel}`);
        take(handler.steps, event.fuel, event.depth + 1);
      }
    }
    return { calls, published, failed: undefined };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { calls, published: [], failed: error.why };
  }
}

async function real({
  work,
  fuel,
  handlers,
  maxDepth,
  maxEvents,
}: Case): Promise<Outcome & { readonly rows: number }> {
  const { messaging, appended, store } = await keeping();
  const calls: string[] = [];
  const aggregates = [createRecorder(), createRecorder(), createRecorder()];
  type Verbs = {
    readonly record: (event: Event) => void;
    readonly publish: (event: ReturnType<typeof Ticked>) => void;
  };
  const take = async (taken: readonly Step[], left: number, { record, publish }: Verbs): Promise<void> => {
    for (const one of taken) {
      await Promise.resolve();
      if (one.kind === "throw") throw new Stop("thrown");
      if (one.kind === "publish") publish(Ticked({ n: one.n }));
      else if (left > 0) {
        const event = define[one.type]({ fuel: left - 1 });
        if (one.on === "unit") record(event);
        else aggregates[one.on]?.record(event);
      }
    }
  };
  const registered = handlers.reduce(
    (builder, { type, order, steps: own }, index) =>
      builder.on(
        define[type],
        async (event, unit) => {
          calls.push(`${index} ${event.type} ${unit.depth} ${event.data.fuel}`);
          await unit.tx.put("rows", String(calls.length), index);
          await take(own, event.data.fuel, unit);
        },
        { order },
      ),
    domainHandlers<MemoryTx>(),
  );
  const units = messaging.unitOfWork(registered, { maxDepth, maxEvents });
  const failed = await units
    .run(async (unit) => {
      for (const aggregate of aggregates) unit.track(aggregate);
      await take(work, fuel + 1, unit);
    })
    .then(
      () => undefined,
      (error: unknown) => (error instanceof Stop ? error.why : ("cascade" as const)),
    );
  const published = appended
    .flat()
    .map(({ payload }) => (JSON.parse(Buffer.from(payload ?? []).toString()) as { n: number }).n);
  return { calls, published, failed, rows: store.rows("rows").size };
}

test(
  "any cascade does what a list and a loop do: order, depth, limits, and all or nothing",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const expected = model(given);
        const { rows, ...outcome } = await real(given);
        expect(outcome).toEqual(expected);
        expect(rows).toBe(expected.failed === undefined ? expected.calls.length : 0);
      }),
      { seed: 20_261_123, numRuns: 300 },
    );
  },
);
