import type { RelayLease, RelayStore, StoredEvent } from "@postrider/core";
import type { Pool } from "pg";
import type { PostgresStore } from "@postrider/postgres";
import type { TestTx } from "./databases.ts";
import { keyed } from "./events.ts";
import { rows } from "./relay.ts";

const keys = 5;

/** One business change and its event in one transaction, the key's row locked before the event is written. */
export async function writeOne(store: PostgresStore<TestTx>, schema: string): Promise<void> {
  const key = `k${Math.floor(Math.random() * keys)}`;
  await store.transaction(async (tx) => {
    const answer = await tx.query(
      `INSERT INTO "${schema}".aggregate AS a VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET version = a.version + 1 RETURNING version`,
      [key],
    );
    const { version } = answer.rows[0] as { readonly version: number };
    await tx.query(`INSERT INTO "${schema}".change VALUES ($1)`, [`${key}:${version}`]);
    await store.outbox.append(tx, [keyed(key, `${key}:${version}`)]);
  });
}

/** Stands for the broker: what is in this table was delivered, in this order. Commits by itself, like a broker. */
export async function deliver(pool: Pool, schema: string, event: StoredEvent): Promise<void> {
  await pool.query(`INSERT INTO "${schema}".delivered (id) VALUES ($1)`, [event.id]);
}

/**
 * What is due, then one page; gives how many passed. Each ninth version is refused at first, so that it is parked and
 * what follows of its key is held.
 */
export async function relayAll(
  relay: RelayStore,
  lease: RelayLease,
  publish: (event: StoredEvent) => Promise<void>,
): Promise<number> {
  let passed = 0;
  const { events: due } = await relay.due(lease, rows(50));
  for (const event of due) await publish(event);
  await relay.settleParked(
    lease,
    due.map((event) => ({ event, result: { kind: "published" } })),
  );
  passed += due.length;
  const held = new Set((await relay.heldKeys(lease)).map(({ key }) => key));
  const page = await relay.read(lease, rows(20));
  const confirmed: StoredEvent[] = [];
  const parking: Parameters<RelayStore["park"]>[1][number][] = [];
  for (const event of page) {
    if (held.has(event.key ?? "")) {
      parking.push({ event, status: "held", attempts: 0, waitMs: undefined, error: undefined });
    } else if (Number(event.id.split(":")[1]) % 9 === 0) {
      held.add(event.key ?? "");
      parking.push({ event, status: "retry", attempts: 1, waitMs: 0, error: undefined });
    } else {
      await publish(event);
      confirmed.push(event);
    }
  }
  await relay.confirm(lease, confirmed);
  if (parking.length > 0) await relay.park(lease, parking);
  return passed + confirmed.length;
}
