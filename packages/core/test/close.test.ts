import {
  createMessaging,
  defineConsumer,
  memory,
  type Store,
  type Transport,
  type TransportSubscription,
} from "@postrider/core";
import { expect, test } from "vitest";
import { Placed, Ticked } from "./support/orders.ts";
import { until } from "./support/recorder.ts";
import { place, storeOn, type Place } from "./support/services.ts";

/*
 * A close ends two seconds after `drainMs` at the latest, whatever stands still at that moment.
 */

type Hanging = "subscribe" | "stop" | "give back" | "publish" | "transport" | "transaction" | "relay";

const never: Promise<never> = new Promise(() => {});

/** A transport some of whose calls hang from the moment that `frozen` says so. */
function standingStill(here: Place, frozen: () => boolean, at: ReadonlySet<Hanging>): Transport {
  const inner = memory({ broker: here.broker, clock: here.clock });
  const hangs = (call: Hanging) => frozen() && at.has(call);
  const dress = (subscription: TransportSubscription): TransportSubscription => ({
    ...subscription,
    stop: () => (hangs("stop") ? never : subscription.stop()),
    close: () => (hangs("give back") ? never : subscription.close()),
  });
  return {
    ...inner,
    publisher: {
      ...inner.publisher,
      publish: (batch, bounds) => (hangs("publish") ? never : inner.publisher.publish(batch, bounds)),
    },
    consumer: {
      subscribe: async (request, receive) =>
        hangs("subscribe") ? never : dress(await inner.consumer.subscribe(request, receive)),
    },
    close: () => (hangs("transport") ? never : inner.close()),
  };
}

function storeStandingStill<Tx>(
  store: Store<Tx>,
  frozen: () => boolean,
  at: ReadonlySet<Hanging>,
): Store<Tx> {
  const relay = { ...store.relay };
  const read: typeof relay.read = (...given) =>
    frozen() && at.has("relay") ? never : store.relay.read(...given);
  const release: typeof relay.release = (lease) =>
    frozen() && at.has("relay") ? never : store.relay.release(lease);
  return {
    ...store,
    relay: { ...relay, read, release },
    // The work is given up by its signal; the ROLLBACK behind it never comes back.
    transaction: async (work, options) => {
      try {
        return await store.transaction(work, options);
      } catch (error) {
        if (frozen() && at.has("transaction")) return never;
        throw error;
      }
    },
  };
}

const everything: readonly Hanging[] = [
  "subscribe",
  "stop",
  "give back",
  "publish",
  "transport",
  "transaction",
  "relay",
];

test.each(
  [...everything.map((one) => [one]), everything].map((hanging) => ({ what: hanging.join(), hanging })),
)("close({ drainMs: 1000 }) ends within 3 s when these hang: $what", async ({ hanging }) => {
  const here = place();
  const at = new Set(hanging);
  let frozen = false;
  const store = storeStandingStill(storeOn(here), () => frozen, at);
  const messaging = await createMessaging({
    source: "/test",
    broker: standingStill(here, () => frozen, at),
    store,
    clock: here.clock,
    logger: here.logger,
  });
  let began = false;
  const stuck = defineConsumer("stuck").on(Placed, async (_, { signal }) => {
    began = true;
    await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await messaging.consume(stuck);
  await messaging.publish(Placed({ orderId: "1" }));
  await here.clock.advance(100);
  await until("the handler is at work", () => began);
  frozen = true;
  const outcome = messaging.publish(Ticked({ n: 1 })).then(
    () => "confirmed",
    ({ code }: { code: string }) => code,
  );
  if (at.has("subscribe"))
    void messaging.consume(defineConsumer("late").on(Ticked, () => {})).catch(() => {});
  await here.clock.advance(1);
  const fromMs = here.clock.monotonicMs();
  let done = false;
  const closing = messaging.close({ drainMs: 1_000 }).then(() => (done = true));
  await here.clock.runUntil(() => done, { withinMs: 10_000 });
  await closing;
  expect(here.clock.monotonicMs() - fromMs).toBeLessThanOrEqual(3_000);
  expect(await outcome).toBe(at.has("publish") ? "TRANSPORT_OUTCOME_UNKNOWN" : "confirmed");
});

test("the close of one subscription ends one and a half seconds after its drainMs, whatever hangs", async () => {
  const here = place();
  const at = new Set<Hanging>(["stop", "give back", "transaction"]);
  let frozen = false;
  const { clock, logger } = here;
  const store = storeStandingStill(storeOn(here), () => frozen, at);
  const broker = standingStill(here, () => frozen, at);
  const messaging = await createMessaging({ source: "/test", broker, store, clock, logger, relay: false });
  let began = false;
  const stuck = defineConsumer("stuck").on(Placed, () => {
    began = true;
    return new Promise(() => {});
  });
  const subscription = await messaging.consume(stuck);
  await messaging.publish(Placed({ orderId: "1" }));
  await until("the handler is at work", () => began);
  frozen = true;
  const fromMs = clock.monotonicMs();
  let done = false;
  void subscription.close({ drainMs: 1_000 }).then(() => (done = true));
  await clock.runUntil(() => done, { withinMs: 20_000 });
  expect(clock.monotonicMs() - fromMs).toBeLessThanOrEqual(2_500);
  frozen = false;
  await messaging.close({ drainMs: 0 });
});

test("close says which part it did not wait for any longer", async () => {
  const here = place();
  const transport = standingStill(here, () => true, new Set(["transport"]));
  const { clock, logger } = here;
  const messaging = await createMessaging({ source: "/test", broker: transport, clock, logger });
  let done = false;
  void messaging.close({ drainMs: 0 }).then(() => (done = true));
  await clock.runUntil(() => done, { withinMs: 10_000 });
  expect(logger.lines).toEqual([
    {
      level: "warn",
      message: "A close did not wait any longer for a part that does not end",
      context: { part: "transport", drainMs: 0 },
    },
  ]);
});
