// The load: business transactions that lock the row of their aggregate, take their time, and roll back at times.
import { createMessaging, defineEvent, memory } from "@postrider/core";
import { fromPg } from "@postrider/core/sql";
import { z } from "zod";
import { aggregates } from "./database.mjs";
import { createRandom } from "./random.mjs";

export const writers = 16;
const rollbacks = 0.1;
const longestDelayMs = 15;
/** So many stay open for long: longer than a relay on a busy machine lags behind, or it would never read beside one. */
const slow = 0.02;
const slowMs = 600;

/** `id` is `key:version:n`, and the checker's only way to know an event. */
const Changed = defineEvent("torture.aggregates.changed.v1", {
  data: z.object({ id: z.string(), key: z.string() }),
  key: ({ key }) => key,
});

/**
 * Writes until the signal fires.
 * @param {{ schema: string, pool: import("pg").Pool, store: import("@postrider/postgres").PostgresStore<any> }} database
 * @param {number} seed @param {AbortSignal} signal
 */
export async function write(database, seed, signal) {
  // It only adds to the outbox: nothing is ever published through this broker.
  const messaging = await createMessaging({
    source: "/torture",
    broker: memory(),
    store: database.store,
    relay: false,
    logger: { debug() {}, info() {}, warn() {}, error: console.error },
  });
  try {
    await Promise.all(
      Array.from({ length: writers }, (_, n) => writer(seed + n, messaging, database, signal)),
    );
  } finally {
    await messaging.close();
  }
}

async function writer(seed, messaging, { pool, schema }, signal) {
  const random = createRandom(seed * 7_919);
  const client = await pool.connect();
  try {
    while (!signal.aborted) {
      await transaction(client, schema, messaging.outbox, random);
      await client.query("SELECT pg_sleep($1)", [(random() * longestDelayMs) / 1_000]);
    }
  } finally {
    client.release();
  }
}

/** The row is locked before the events are written, as the guarantee of order asks. */
async function transaction(client, schema, outbox, random) {
  const key = `k${1 + Math.floor(random() * aggregates)}`;
  await client.query(`SELECT nextval('"${schema}".attempt')`);
  await client.query("BEGIN");
  const { rows } = await client.query(
    `UPDATE "${schema}".aggregate SET version = version + 1 WHERE key = $1 RETURNING version`,
    [key],
  );
  const ids = Array.from(
    { length: 1 + Math.floor(random() * 3) },
    (_, n) => `${key}:${rows[0].version}:${n}`,
  );
  await client.query(`INSERT INTO "${schema}".change SELECT unnest($1::text[])`, [ids]);
  await outbox.add(fromPg(client), ...ids.map((id) => Changed({ id, key }, { id })));
  // Between the row and COMMIT: so numbers become visible in another order than they were drawn.
  const delayMs = random() < slow ? slowMs : random() * longestDelayMs;
  await client.query("SELECT pg_sleep($1)", [delayMs / 1_000]);
  await client.query(random() < rollbacks ? "ROLLBACK" : "COMMIT");
}
