import { createMessaging, isMessagingError, memory, type Transactor } from "@postrider/core";
import { fromPg } from "@postrider/core/sql";
import { Pool, type PoolClient } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { postgres, type PostgresStore } from "@postrider/postgres";
import { type Opened, server, type TestTx, url } from "./support/databases.ts";
import { sealed } from "./support/events.ts";
import { type Line, openLine } from "./support/proxy.ts";
import { ids, lead, rows } from "./support/relay.ts";

const unavailable = expect.objectContaining({ code: "STORE_UNAVAILABLE", retryable: true });

describe("a database that does not let this service in", () => {
  test.each([
    ["another password", { password: "wrong" }],
    ["another user", { username: "nobody" }],
    ["another database", { pathname: "/nowhere" }],
  ])("%s is told as refused, and the start is not tried again", async (_, change) => {
    const address = Object.assign(new URL(url()), change);
    const pool = new Pool({ connectionString: address.href });
    const refused = expect.objectContaining({ code: "STORE_ACCESS_REFUSED", retryable: false });
    const starting = createMessaging({
      source: "/test",
      broker: memory(),
      store: postgres({ pool }),
      startRetryMs: 60_000,
    });
    await expect(starting).rejects.toEqual(refused);
    await pool.end();
  });
});

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
    await expect(store.relay.acquire("one", 1_000)).rejects.toEqual(unavailable);
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

  test("down before COMMIT was sent: nothing was committed, and the whole can be tried again", async () => {
    const outcome = store.transaction(async (tx) => {
      await store.outbox.append(tx, [sealed("lost")]);
      line.cut();
      await tx.query("SELECT 1").catch(() => undefined);
    });
    await expect(outcome).rejects.toEqual(unavailable);
    line.mend();
    expect(await store.relay.read(await lead(store.relay), rows(10))).toEqual([]);
  });

  test.each([
    ["lost", []],
    ["answer lost", ["who knows"]],
  ] as const)(
    "COMMIT %s: the outcome is unknown, and must not be retried unseen",
    async (what, committed) => {
      const outcome = store.transaction(async (tx) => {
        await store.outbox.append(tx, [sealed("who knows")]);
        line.cutAt("COMMIT", what);
      });
      const error: unknown = await outcome.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "STORE_OUTCOME_UNKNOWN", retryable: false });
      expect(store.isUnavailable?.(error)).toBe(true);
      expect(store.isRetryable?.(error)).toBe(false);
      expect(ids(await store.relay.read(await lead(store.relay), rows(10)))).toEqual(committed);
    },
  );

  test("COMMIT lost under a transactor of the user's: its error becomes the same", async () => {
    const transactor: Transactor<TestTx> = {
      enlist: (tx) => fromPg(tx as PoolClient),
      transaction: async (work) => {
        const client = await pool.connect();
        client.on("error", () => {});
        try {
          await client.query("BEGIN");
          const result = await work(client);
          await client.query("COMMIT");
          return result;
        } finally {
          client.release(true);
        }
      },
    };
    const own = postgres({ pool, transactor, schema: opened.schema, logger });
    const outcome = own.transaction(async (tx) => {
      await own.outbox.append(tx, [sealed("who knows")]);
      line.cutAt("COMMIT", "answer lost");
    });
    await expect(outcome).rejects.toMatchObject({
      code: "STORE_OUTCOME_UNKNOWN",
      retryable: false,
      message: expect.stringMatching(/^Could not commit: /),
    });
    await own.close();
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

  test("a logger that throws, or answers with a rejection, makes nothing of it", async () => {
    const fails = (): never => {
      throw new Error("the disk is full");
    };
    const rejects = (): void => Promise.reject(new Error("the disk is full")) as unknown as void;
    await store.close(); // of several listeners none of ours speaks
    for (const warn of [fails, rejects]) {
      const other = postgres({ pool, schema: opened.schema, logger: { ...logger, warn } });
      await pool.query("SELECT 1");
      line.cut();
      await vi.waitFor(() => expect(other.idleErrors()).toBe(1));
      line.mend();
      await other.close();
    }
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
