import { createRelay, fixed, type Relay } from "@postrider/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sealed } from "../memory/support/events.ts";
import { listenTo } from "../support/listener.ts";
import { place, storeOn } from "../support/services.ts";
import { mortal, steps, type Point } from "./support/mortal.ts";
import { refusing, rejected, relayOn } from "./support/relays.ts";

/** What happens to an outbox, one thing after another. */
type Happening =
  | { readonly kind: "commit" | "rollback"; readonly keys: readonly string[] }
  | { readonly kind: "refuse"; readonly times: number }
  | { readonly kind: "outage" | "wait"; readonly ms: number }
  /** The relay that leads dies at this point, and another one starts. */
  | { readonly kind: "die"; readonly point: Point; readonly nth: number };

const keys = fc.array(fc.constantFrom("", "a", "b", "c"), { minLength: 1, maxLength: 6 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("commit" as const), keys }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rollback" as const), keys }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("refuse" as const), times: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("outage" as const, "wait" as const),
      ms: fc.constantFrom(10, 300, 4_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("die" as const),
      point: fc.constantFrom(...steps.flatMap((step): Point[] => [`before ${step}`, `after ${step}`])),
      nth: fc.integer({ min: 1, max: 3 }),
    }),
  },
);

const lives = fc.array(happening, { minLength: 3, maxLength: 14 });
/** So that one event of a key goes at a time when it is released, and so that several do. */
const batchSizes = fc.constantFrom(3, 12);

async function live(happenings: readonly Happening[], batchSize: number) {
  const options = { leaseMs: 1_000, batchSize, retry: fixed({ attempts: 100, delayMs: 200 }) };
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, "com.acme.orders");
  const committed: { readonly id: string; readonly key: string }[] = [];
  let next = 0;
  let refuse = 0;
  const refusalOf = () => (refuse > 0 && (refuse -= 1) >= 0 ? rejected() : undefined);

  const start = async (point: Point, nth: number): Promise<Relay> => {
    const doomed = mortal(here, store, point, nth, refusalOf);
    await doomed.transport.connect();
    const relay = createRelay({
      ...options,
      store: doomed.store,
      transport: doomed.transport,
      clock: here.clock,
      logger: here.logger,
    });
    relay.start();
    return relay;
  };
  const transaction = (happened: Happening & { readonly kind: "commit" | "rollback" }) =>
    store.transaction(async (tx) => {
      const events = happened.keys.map((key) => sealed(String((next += 1)), key === "" ? {} : { key }));
      await store.outbox.append(tx, events);
      if (happened.kind === "rollback") throw new Error("rolled back");
      committed.push(...events.map(({ id, key = "" }) => ({ id, key })));
    });
  const happen = async (happened: Happening): Promise<void> => {
    switch (happened.kind) {
      case "commit":
      case "rollback":
        await transaction(happened).catch(() => undefined);
        return;
      case "refuse":
        refuse = happened.times;
        return;
      case "die":
        await start(happened.point, happened.nth);
        return;
      case "outage":
        here.broker.stop();
        await here.clock.advance(happened.ms);
        here.broker.start();
        return;
      case "wait":
        await here.clock.advance(happened.ms);
    }
  };

  for (const happened of happenings) {
    await happen(happened);
    await here.clock.advance(50);
  }
  const last = await relayOn(here, store, { ...options, transport: refusing(here, refusalOf) });
  last.start();
  await here.clock.advance(30_000);
  await last.stop();
  return { committed, arrived, status: await store.relay.status() };
}

test("93, 99. whatever dies, fails or is refused: what was committed arrives, nothing else does, and first copies of a key arrive in the order of the commits", async () => {
  await fc.assert(
    fc.asyncProperty(lives, batchSizes, async (happenings, batchSize) => {
      const { committed, arrived, status } = await live(happenings, batchSize);
      const first = [...new Set(arrived.map(({ id }) => id))];
      expect(first.toSorted()).toEqual(committed.map(({ id }) => id).toSorted());
      for (const key of ["a", "b", "c"]) {
        const inOrder = committed.filter((one) => one.key === key).map(({ id }) => id);
        expect(first.filter((id) => inOrder.includes(id))).toEqual(inOrder);
      }
      expect(status).toMatchObject({ backlog: 0, parked: 0 });
    }),
    { seed: 20261123, numRuns: 100 },
  );
}, 60_000);
