import { createRelay, type RelaySource, type RelayStore, type Transport } from "@postrider/core";
import { stopAt, stopPublishing } from "@postrider/test-servers";
import { given, leaseMs, openBroker, openDatabase, type Place, silent, untilTold } from "./wiring.ts";

/* A relay in a process of its own. Tells its state, and stops at a point if one is given. */

/**
 * `after-read`: a page was read, nothing is published. `after-publish`: the broker has answered, and nothing is written.
 * `before-renew`, `before-park`: the statement is about to be sent.
 */
export type RelayPoint = "after-read" | "after-publish" | "before-renew" | "before-park";

export interface RelayPlace extends Place {
  readonly point?: RelayPoint | undefined;
}

const place = given<RelayPlace>();
const { pool, store } = openDatabase(place);
const transport = openBroker(place);
await transport.connect();
const relay = createRelay({
  store: stoppedStore(store, place.point),
  transport: stoppedTransport(transport, place.point),
  leaseMs,
  maxPollMs: 100,
  logger: silent,
});
relay.start();

let said = "";
const telling = setInterval(() => {
  const { state } = relay.health();
  if (state !== said) process.send?.({ state });
  said = state;
}, 5);
untilTold(async () => {
  clearInterval(telling);
  await relay.stop();
  await transport.close();
  await store.close();
  await pool.end();
});

function stoppedTransport(real: Transport, point: RelayPoint | undefined): Transport {
  if (point !== "after-read" && point !== "after-publish") return real;
  return { ...real, publisher: stopPublishing(real.publisher, point) };
}

function stoppedStore(real: RelaySource, point: RelayPoint | undefined): RelaySource {
  const { outbox, inbox, relay: rows } = real;
  return { outbox, inbox, relay: stoppedRows(rows, point) };
}

function stoppedRows(rows: RelayStore, point: RelayPoint | undefined): RelayStore {
  if (point !== "before-renew" && point !== "before-park") return rows;
  const stop = stopAt(point);
  return point === "before-renew"
    ? { ...rows, renew: async (lease, forMs) => stop().then(() => rows.renew(lease, forMs)) }
    : { ...rows, park: async (lease, requests) => stop().then(() => rows.park(lease, requests)) };
}
