import { isMessagingError } from "@postrider/core";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { postgres, type PostgresStore } from "@postrider/postgres";
import { type Opened, server, type TestTx, url } from "./support/databases.ts";
import { sealed } from "./support/events.ts";
import { type Line, openLine } from "./support/proxy.ts";
import { ids, lead, rows } from "./support/relay.ts";

const unavailable = expect.objectContaining({ code: "STORE_UNAVAILABLE", retryable: true });

describe("a database that goes away", () => {
  let opened: Opened;
  let line: Line;
  let pool: Pool;
  let store: PostgresStore<TestTx>;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  const warnings: string[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    warn: (message: string): void => void warnings.push(message),
    error: () => {},
  };

  beforeAll(async () => {
    process.on("unhandledRejection", note);
    opened = await server.open("outage");
  });
  beforeEach(async () => {
    line = await openLine(url());
    pool = new Pool({ connectionString: line.url, max: 4 });
    store = postgres({ pool, schema: opened.schema, statementTimeoutMs: 300, logger });
  });
  afterEach(async () => {
    await store.close();
    pool.on("error", () => {});
    line.mend();
    await pool.end();
    await line.close();
    await opened.sql(`DELETE FROM "${opened.schema}".outbox_event`);
    await opened.sql(`DELETE FROM "${opened.schema}".outbox_lease`);
  });
  afterAll(async () => {
    await opened.close();
    process.removeListener("unhandledRejection", note);
  });

  test("down at the start: every call fails as unavailable, and works once it is back", async () => {
    line.cut();
    await expect(store.assertSchema()).rejects.toEqual(unavailable);
    await expect(store.migrate()).rejects.toEqual(unavailable);
    await expect(store.relay.acquire("default", "one", 1_000)).rejects.toEqual(unavailable);
    await expect(store.relay.status()).rejects.toEqual(unavailable);
    await expect(store.inbox.prune({ olderThanMs: 0 })).rejects.toEqual(unavailable);
    await expect(store.transaction(async () => "never")).rejects.toEqual(unavailable);
    line.mend();
    await store.assertSchema();
  });

  test("down during the work: the transaction fails as unavailable or with what the work threw, and nothing stays", async () => {
    const outcome = store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("lost")]);
      line.cut();
      await store.outbox.append(tx, [sealed("lost too")]);
    });
    await expect(outcome).rejects.toEqual(unavailable);
    line.mend();
    expect(await store.relay.read(await lead(store.relay), rows(10))).toEqual([]);
  });

  test("down at COMMIT: the transaction fails as unavailable, since nobody knows", async () => {
    const outcome = store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("who knows")]);
      line.cut();
    });
    const error: unknown = await outcome.catch((reason: unknown) => reason);
    expect(error).toEqual(unavailable);
    expect(store.isUnavailable?.(error)).toBe(true);
    expect(store.isRetryable?.(error)).toBe(false);
  });

  test("an error of the work passes untouched, also when the rollback cannot be said", async () => {
    const own = new Error("mine");
    const outcome = store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("lost")]);
      line.cut();
      throw own;
    });
    await expect(outcome).rejects.toBe(own);
  });

  test("frozen: each statement of the store ends at its time limit, and its connection is not used again", async () => {
    const lease = await lead(store.relay);
    line.freeze();
    const calls = [
      store.relay.read(lease, rows(10)),
      store.relay.renew(lease, 1_000),
      store.relay.status(),
      store.assertSchema(),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome.status === "rejected" && isMessagingError(outcome.reason, "STORE_UNAVAILABLE")).toBe(
        true,
      );
    }
    line.mend();
    expect(await store.relay.read(lease, rows(10))).toEqual([]);
  });

  test("a statement that takes too long is ended by the server, and the relay goes on", async () => {
    const blocker = await pool.connect();
    await blocker.query("BEGIN");
    await blocker.query(`LOCK TABLE "${opened.schema}".outbox_event IN ACCESS EXCLUSIVE MODE`);
    const lease = await lead(store.relay);
    await expect(store.relay.read(lease, rows(10))).rejects.toMatchObject({
      code: "STORE_FAILED",
      context: { sqlState: "57014" },
    });
    await blocker.query("ROLLBACK");
    blocker.release();
    expect(await store.relay.read(lease, rows(10))).toEqual([]);
  });

  test("idle connections that break end no process: they are counted and told", async () => {
    await Promise.all([pool.query("SELECT 1"), pool.query("SELECT 1")]);
    warnings.length = 0;
    line.cut();
    await vi.waitFor(() => expect(store.idleErrors()).toBe(2));
    expect(warnings).toHaveLength(2);
    line.mend();
    await store.assertSchema();
  });

  test("idle connections that break are told by the user alone where the user listens", async () => {
    const heard: Error[] = [];
    pool.on("error", (error) => heard.push(error));
    await pool.query("SELECT 1");
    warnings.length = 0;
    line.cut();
    await vi.waitFor(() => expect(store.idleErrors()).toBe(1));
    expect([heard.length, warnings.length]).toEqual([1, 0]);
  });

  test("a pool that has no connection to give fails the call at its time limit, and the late client goes back", async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => pool.connect()));
    await expect(store.relay.status()).rejects.toEqual(unavailable);
    for (const client of all) client.release();
    await vi.waitFor(() => expect(pool.idleCount).toBe(4));
    expect((await store.relay.status()).backlog).toBe(0);
  });

  test("after an outage nothing is assumed of the database: the next read begins at the beginning", async () => {
    const lease = await lead(store.relay);
    for (const id of ["a", "b", "c"]) {
      await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [sealed(id)])));
      await store.relay.confirm(lease, await store.relay.read(lease, rows(10)));
    }
    line.cut();
    await expect(store.relay.read(lease, rows(10))).rejects.toEqual(unavailable);
    // A standby that was behind took over: its numbers are lower than those seen before.
    await opened.sql(
      `INSERT INTO "${opened.schema}".outbox_event (seq, shard, id, aggregatetype, aggregateid, type, source)
       OVERRIDING SYSTEM VALUE VALUES (1, 0, 'early', 'c', 'k', 't', 's')`,
    );
    line.mend();
    expect(ids(await store.relay.read(lease, rows(10)))).toEqual(["early"]);
  });

  test("no rejection of all this went unhandled", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });
});
