import {
  createMessaging,
  defineConsumer,
  type Delivery,
  fixed,
  type Settlement,
  type Store,
  type Transport,
} from "@postrider/core";
import { stopAt } from "@postrider/test-servers";
import type { PoolClient } from "pg";
import {
  given,
  group,
  nameOf,
  openBroker,
  openDatabase,
  Placed,
  type Place,
  Shipped,
  silent,
  untilTold,
} from "./wiring.ts";

/* A service that consumes: each Placed has one row of effect and one Shipped, in one transaction. */

/** `before-commit`: everything is written, COMMIT is not sent. `before-ack`: committed, and the broker was not told. */
export type ConsumerPoint = "before-commit" | "before-ack";

export interface ConsumerPlace extends Place {
  readonly point?: ConsumerPoint | undefined;
  readonly ordering: "none" | "key";
  /** How often the handler of this order fails: with the first attempt alone, or with all. */
  readonly fails?: { readonly name: string; readonly attempts: "first" | "all" } | undefined;
  readonly retryDelayMs?: number | undefined;
}

const place = given<ConsumerPlace>();
let hasWorked = false;
const { pool, store } = openDatabase(place);
const messaging = await createMessaging({
  source: "/suite/shipping",
  broker: place.point === "before-ack" ? stoppedTransport(openBroker(place)) : openBroker(place),
  store: place.point === "before-commit" ? stoppedStore(store) : store,
  relay: false,
  logger: silent,
});
const attempts = place.fails?.attempts === "all" ? 1 : 100;
const consumer = defineConsumer(group, {
  store,
  ordering: place.ordering,
  retry: fixed({ attempts, delayMs: place.retryDelayMs ?? 100 }),
}).on(Placed, async ({ data }, { tx, publish, attempt }) => {
  const name = nameOf(data);
  if (place.fails?.name === name && (place.fails.attempts === "all" || attempt === 1))
    throw new Error("as the test wants it");
  await tx.query("INSERT INTO effect (name, pid) VALUES ($1, $2)", [name, process.pid]);
  publish(Shipped(data));
  hasWorked = true;
});
await messaging.consume(consumer);
process.send?.({ state: "consuming" });
untilTold(async () => {
  await messaging.close();
  await store.close();
  await pool.end();
});

/** Stops in each transaction whose work is done, once a handler has worked: what commits before that is not its effect. */
function stoppedStore(real: Store<PoolClient>): Store<PoolClient> {
  const stop = stopAt("before-commit");
  return {
    ...real,
    transaction: (work, options) =>
      real.transaction(async (tx) => {
        const result = await work(tx);
        if (hasWorked) await stop();
        return result;
      }, options),
  };
}

function stoppedTransport(real: Transport): Transport {
  const stop = stopAt("before-ack");
  return {
    ...real,
    consumer: {
      subscribe: (request, receive) =>
        real.consumer.subscribe(request, (delivery) =>
          receive(
            settledBy(delivery, async (settlement) => {
              if (settlement.kind === "ack") await stop();
              return delivery.settle(settlement);
            }),
          ),
        ),
    },
  };
}

function settledBy(delivery: Delivery, settle: (settlement: Settlement) => Promise<void>): Delivery {
  return {
    get message() {
      return delivery.message;
    },
    get attempt() {
      return delivery.attempt;
    },
    get redelivered() {
      return delivery.redelivered;
    },
    get origin() {
      return delivery.origin;
    },
    get signal() {
      return delivery.signal;
    },
    settle,
  };
}
