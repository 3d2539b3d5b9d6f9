import { MessagingError, type RelayStore } from "@postrider/core";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { server, url, type Opened } from "./support/databases.ts";
import { keyed } from "./support/events.ts";
import { lead, rows } from "./support/relay.ts";

/*
 * People change parked rows while a relay works: what they do must not fall between what it has read and what it parks.
 */

let opened: Opened;
let holder: Pool;
beforeAll(async () => {
  opened = await server.open("people");
  holder = new Pool({ connectionString: url(), max: 1 });
});
afterAll(async () => {
  await holder.end();
  await opened.close();
});

const waitsForTheLease = async (): Promise<boolean> => {
  const waiting = await opened.sql(
    "SELECT 1 AS waits FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
    [`%"${opened.schema}"."outbox_lease"%`],
  );
  return waiting.length > 0;
};

const changes: readonly (readonly [string, (relay: RelayStore, position: string) => Promise<number>])[] = [
  ["retry", (relay, position) => relay.retryParked([position])],
  ["discard", (relay, position) => relay.discardParked([position])],
];

test.each(changes)("a %s by a person waits for a relay that is about to park", async (_, change) => {
  const { store, schema } = opened;
  await store.transaction(async (tx) => store.outbox.append(tx, [keyed("k", "1")]));
  const lease = await lead(store.relay);
  const [event] = await store.relay.read(lease, rows(1));
  if (event === undefined) throw new Error("a row was expected");
  const error = new MessagingError("TRANSPORT_REJECTED", "no");
  await store.relay.park(lease, [{ event, status: "dead", attempts: 1, waitMs: undefined, error }]);
  const [dead] = await store.relay.parked({});

  const relay = await holder.connect();
  try {
    await relay.query("BEGIN");
    await relay.query(`SELECT 1 FROM "${schema}".outbox_lease FOR NO KEY UPDATE`); // as park and settle begin
    const changed = change(store.relay, dead?.position ?? "");
    await vi.waitUntil(waitsForTheLease, { timeout: 10_000 });
    await relay.query("COMMIT");
    expect(await changed).toBe(1);
  } finally {
    relay.release(true);
  }
  await store.relay.discardParked([dead?.position ?? ""]);
  await store.relay.release(lease);
});
