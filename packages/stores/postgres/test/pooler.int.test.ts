import { Pool, type PoolClient } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PgClientLike, type PgPoolLike } from "@postrider/core/sql";
import { postgres, type PostgresStore } from "@postrider/postgres";
import { type Opened, server, url } from "./support/databases.ts";
import { keyed } from "./support/events.ts";
import { drain, ids, lead, rows } from "./support/relay.ts";

/*
 * A pooler in transaction mode, as pgbouncer has it: what a client says between two transactions may go to another
 * session each time. So nothing that a session remembers (SET, prepared statements, session locks) can be relied on.
 */
function transactionPooler(free: PoolClient[], sessions: Set<number>): PgPoolLike<PgClientLike> {
  const giveBack = async (client: PoolClient): Promise<void> => {
    await client.query("DISCARD ALL");
    free.push(client);
  };
  const open = (): PgClientLike => {
    let pinned: PoolClient | undefined;
    return {
      query: async (text, values) => {
        const client = pinned ?? free.shift();
        if (client === undefined) throw new Error("more transactions at once than the test has sessions");
        pinned = client;
        sessions.add((client as unknown as { processID: number }).processID);
        const result = await client.query(text, values);
        if (client.getTransactionStatus() === "I") {
          pinned = undefined;
          await giveBack(client);
        }
        return result;
      },
      getTransactionStatus: () => pinned?.getTransactionStatus() ?? "I",
      release: () => {},
    };
  };
  return { connect: () => Promise.resolve(open()), totalCount: 1 };
}

describe("behind a pooler in transaction mode", () => {
  let opened: Opened;
  let pool: Pool;
  let store: PostgresStore<PgClientLike>;
  let free: PoolClient[];
  const sessions = new Set<number>();
  beforeAll(async () => {
    opened = await server.open("pooler");
    pool = new Pool({ connectionString: url(), max: 5 });
    free = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
    store = postgres({ pool: transactionPooler(free, sessions), schema: opened.schema });
  });
  afterAll(async () => {
    for (const client of free) client.release();
    await pool.end();
    await opened.close();
  });

  test("9. schema, lease, outbox, parked rows and inbox work without any state of a session", async () => {
    expect(await store.migrate()).toEqual([]);
    await store.assertSchema();
    const lease = await lead(store.relay, "one");
    expect(await store.relay.acquire("two", 60_000)).toBeUndefined();
    await store.transaction(async (tx) => {
      await store.outbox.append(
        tx,
        Array.from({ length: 30 }, (_, n) => keyed(`k${n % 3}`, `e${n}`)),
      );
      expect(await store.inbox.register(tx, "c", ["s#1"])).toEqual(new Set(["s#1"]));
    });
    const [first] = await store.relay.read(lease, rows(10));
    if (first === undefined) throw new Error("a row expected");
    await store.relay.park(lease, [
      { event: first, status: "retry", attempts: 1, waitMs: 0, error: undefined },
    ]);
    expect(ids((await store.relay.due(lease, rows(10))).events)).toEqual(["e0"]);
    expect(await drain(store.relay, lease, 7)).toHaveLength(29);
    expect(await store.relay.renew(lease, 60_000)).toBe(true);
    expect(await store.inbox.prune({ olderThanMs: 0 })).toBe(1);
    await store.relay.release(lease);
    expect(sessions.size).toBe(5);
  });
});
