import { createRelay, fixed } from "@postrider/core";
import { expect, test } from "vitest";
import { commit, sealed } from "../memory/support/events.ts";
import { listenTo } from "../support/listener.ts";
import { recordingLogger } from "../support/recorder.ts";
import { place, storeOn } from "../support/services.ts";
import { mortal, steps, type Point } from "./support/mortal.ts";
import { refusing, rejected, relayOn, tooLarge } from "./support/relays.ts";

const points = steps.flatMap((step): Point[] => [`before ${step}`, `after ${step}`]);
const cases = points.flatMap((point) =>
  [1, 2].flatMap((nth) => [4, 12].map((batchSize) => [point, nth, batchSize] as const)),
);
const options = { leaseMs: 3_000, batchSize: 4, retry: fixed({ attempts: 5, delayMs: 100 }) };

/** Events of three keys and of none. `a1` is refused twice, `dead` always. */
const events = [
  sealed("a0", { key: "a" }),
  sealed("a1", { key: "a" }),
  sealed("b0", { key: "b" }),
  sealed("none0"),
  sealed("a2", { key: "a" }),
  sealed("dead", { key: "d" }),
  sealed("d1", { key: "d" }),
  sealed("b1", { key: "b" }),
  sealed("none1"),
  sealed("a3", { key: "a" }),
];

test.each(cases)(
  "93, 94. a relay that dies %s (time %i, pages of %i) loses nothing: what it began goes on under the same ids, in the order of each key",
  async (point, nth, batchSize) => {
    const here = place();
    const store = storeOn(here);
    const { arrived } = await listenTo(here.broker, "com.acme.orders");
    let refusals = 0;
    const refusalOf = (id: string) => {
      if (id === "dead") return tooLarge();
      return id === "a1" && (refusals += 1) <= 2 ? rejected() : undefined;
    };
    const doomed = mortal(here, store, point, nth, refusalOf);
    await doomed.transport.connect();
    const logger = recordingLogger();
    createRelay({
      ...options,
      batchSize,
      onDead: "skip",
      store: doomed.store,
      transport: doomed.transport,
      logger,
      clock: here.clock,
    }).start();
    await commit(store, ...events);
    await here.clock.advance(2_000);

    const next = await relayOn(here, store, {
      ...options,
      batchSize,
      onDead: "skip",
      transport: refusing(here, refusalOf),
    });
    next.start();
    await here.clock.advance(10_000);

    const first = [...new Set(arrived.map(({ id }) => id))];
    const ofKey = (key: string) => first.filter((id) => id.startsWith(key));
    expect(first.toSorted()).toEqual(
      events
        .map(({ id }) => id)
        .filter((id) => id !== "dead")
        .toSorted(),
    );
    expect([ofKey("a"), ofKey("b"), ofKey("d")]).toEqual([["a0", "a1", "a2", "a3"], ["b0", "b1"], ["d1"]]);
    expect(await store.relay.status()).toMatchObject({ backlog: 0, parked: 1, dead: 1 });
    // The process died where it was told to, or had nothing more to do there.
    expect(doomed.died() || nth === 2).toBe(true);
    await doomed.transport.close();
  },
);

test("93. what the broker had confirmed before the relay died comes again under the same id, and only that", async () => {
  const here = place();
  const store = storeOn(here);
  const { arrived } = await listenTo(here.broker, "com.acme.orders");
  const doomed = mortal(here, store, "before confirm", 1);
  await doomed.transport.connect();
  createRelay({
    ...options,
    store: doomed.store,
    transport: doomed.transport,
    clock: here.clock,
    logger: here.logger,
  }).start();
  await commit(store, ...["a", "b", "c", "d", "e", "f"].map((id) => sealed(id)));
  await here.clock.advance(1_000);
  expect(arrived.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
  const next = await relayOn(here, store, options);
  next.start();
  await here.clock.advance(10_000);
  expect(arrived.map(({ id }) => id)).toEqual(["a", "b", "c", "d", "a", "b", "c", "d", "e", "f"]);
  await doomed.transport.close();
});
