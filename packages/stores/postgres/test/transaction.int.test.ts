import { isMessagingError, type Transactor } from "@postrider/core";
import { fromPg, fromPglite, type PgliteLike, pgliteTransactor, pgTransactor } from "@postrider/core/sql";
import { PGlite, type Transaction } from "@electric-sql/pglite";
import { Client, Pool, type PoolClient } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestTx, url } from "./support/databases.ts";

const table = `transactor_${process.pid}`;

describe("transactions on a pool of pg", () => {
  let pool: Pool;
  let transactor: Transactor<PoolClient>;
  beforeAll(async () => {
    pool = new Pool({ connectionString: url(), max: 3 });
    // One test ends a backend of this pool on purpose.
    pool.on("error", () => {});
    transactor = pgTransactor(pool);
    await pool.query(`CREATE TABLE ${table} (id text PRIMARY KEY)`);
  });
  afterAll(async () => {
    await pool.query(`DROP TABLE ${table}`);
    await pool.end();
  });

  const insert = (tx: TestTx, id: string): Promise<unknown> =>
    tx.query(`INSERT INTO ${table} VALUES ($1)`, [id]);
  const has = async (id: string): Promise<boolean> =>
    (await pool.query(`SELECT 1 FROM ${table} WHERE id = $1`, [id])).rows.length === 1;

  test("commits when the work resolves, and gives its value", async () => {
    expect(await transactor.transaction(async (tx) => (await insert(tx, "kept"), "value"))).toBe("value");
    expect(await has("kept")).toBe(true);
  });

  test("rolls back when the work rejects, and rejects with the very same error", async () => {
    const reason = new Error("of the work");
    const outcome = await transactor
      .transaction(async (tx) => {
        await insert(tx, "gone");
        throw reason;
      })
      .catch((error: unknown) => error);
    expect(outcome).toBe(reason);
    expect(await has("gone")).toBe(false);
  });

  test("a COMMIT that the server answers with ROLLBACK is an error, with the first failure as its cause", async () => {
    const outcome = transactor.transaction(async (tx) => {
      await insert(tx, "swallowed");
      await tx.query("SELECT 1/0").catch(() => undefined);
      return "looks fine";
    });
    await expect(outcome).rejects.toMatchObject({ code: "STORE_FAILED", cause: { code: "22012" } });
    expect(await has("swallowed")).toBe(false);
  });

  test("work cannot end its transaction by a statement, and what it does with savepoints is its own", async () => {
    await transactor.transaction(async (tx) => {
      await insert(tx, "with savepoints");
      const controls = ["COMMIT", "SELECT 1; COMMIT; BEGIN", "ROLLBACK", "BEGIN", "/* */ end"];
      for (const control of controls) {
        await expect(tx.query(control)).rejects.toMatchObject({ code: "USAGE_TRANSACTION_CONTROL" });
      }
      await tx.query("SAVEPOINT one");
      await insert(tx, "undone");
      await tx.query("ROLLBACK TO SAVEPOINT one");
      await tx.query("RELEASE SAVEPOINT one");
      expect(await has("with savepoints")).toBe(false);
    });
    expect([await has("with savepoints"), await has("undone")]).toEqual([true, false]);
  });

  test("work that ends its transaction behind the handle is told so, and nothing is reported as committed", async () => {
    let real: PoolClient | undefined;
    const keep = (client: PoolClient): void => void (real = client);
    pool.on("acquire", keep);
    const outcome = transactor.transaction(() => Promise.resolve(real?.query("COMMIT")));
    await expect(outcome).rejects.toMatchObject({ code: "USAGE_TRANSACTION_CONTROL" });
    pool.removeListener("acquire", keep);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test("a handle refuses to work after its transaction, in each way of asking", async () => {
    let late: PoolClient | undefined;
    await transactor.transaction(async (tx) => {
      late = tx;
    });
    if (late === undefined) throw new Error("no handle");
    const closed = (error: unknown): boolean => isMessagingError(error, "STORE_TRANSACTION_CLOSED");
    await expect(late.query("SELECT 1")).rejects.toSatisfy(closed);
    const said = await new Promise((resolve) => late?.query("SELECT 1", (error: unknown) => resolve(error)));
    expect(said).toSatisfy(closed);
    expect(() => late?.on("notice", () => {})).toThrow(expect.toSatisfy(closed));
    await expect(fromPg(late).execute("SELECT 1", [])).rejects.toSatisfy(closed);
    expect(fromPg(late).inTransaction()).toBeUndefined();
  });

  test("a handle of one transaction does not reach into the next one on the same connection", async () => {
    const one = new Pool({ connectionString: url(), max: 1 });
    const single = pgTransactor(one);
    let late: PoolClient | undefined;
    await single.transaction(async (tx) => {
      late = tx;
    });
    await single.transaction(async (tx) => {
      await expect(late?.query("SELECT 1")).rejects.toMatchObject({ code: "STORE_TRANSACTION_CLOSED" });
      await tx.query("SELECT 1");
    });
    await one.end();
  });

  test("the handle is the client: instanceof, properties, events and callbacks work", async () => {
    await transactor.transaction(async (tx) => {
      expect(tx).toBeInstanceOf(Client);
      expect(typeof (tx as unknown as { processID: number }).processID).toBe("number");
      const notices: string[] = [];
      tx.on("notice", (notice) => notices.push(notice.message ?? ""));
      await tx.query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$");
      expect(notices).toEqual(["hello"]);
      const answer = await new Promise((resolve) =>
        tx.query("SELECT 7 AS n", (_error: Error, result: { rows: unknown[] }) => resolve(result.rows)),
      );
      expect(answer).toEqual([{ n: 7 }]);
      expect(tx.getTransactionStatus()).toBe("T");
    });
  });

  test("releasing the client inside is refused", async () => {
    const outcome = transactor.transaction(async (tx) => tx.release());
    await expect(outcome).rejects.toThrow(/do not release it inside/);
  });

  test("statements that were not awaited are waited for before the end", async () => {
    await transactor.transaction(async (tx) => {
      void insert(tx, "not awaited");
    });
    expect(await has("not awaited")).toBe(true);
  });

  test("a connection that breaks inside destroys the client, rejects with the error and leaves the pool whole", async () => {
    const outcome = transactor.transaction(async (tx) => {
      const { rows } = await tx.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
      await tx.query("SELECT 1");
    });
    await expect(outcome).rejects.toThrow(/terminat|connection/i);
    expect(await transactor.transaction(async (tx) => (await tx.query("SELECT 1 AS n")).rows)).toEqual([
      { n: 1 },
    ]);
  });

  test("isolation is set as asked, and what is no level never becomes SQL", async () => {
    for (const isolation of ["read committed", "repeatable read", "serializable"] as const) {
      const { rows } = await transactor.transaction(
        (tx) => tx.query<{ level: string }>("SELECT current_setting('transaction_isolation') AS level"),
        { isolation },
      );
      expect(rows).toEqual([{ level: isolation }]);
    }
    const hostile = { isolation: "serializable; DROP TABLE x" as never };
    await expect(transactor.transaction(async () => 1, hostile)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });

  test("a deadlock and a serialization failure can be retried, other failures not", async () => {
    const codes = ["40001", "40P01", "23505", "ECONNRESET"];
    const wrapped = codes.map(
      (code) => new Error("orm", { cause: Object.assign(new Error("driver"), { code }) }),
    );
    expect(wrapped.map((error) => transactor.isRetryable?.(error))).toEqual([true, true, false, false]);
  });

  test("a deferred constraint that fails at COMMIT rejects with the server's error", async () => {
    await pool.query(`CREATE TABLE ${table}_deferred (id text UNIQUE DEFERRABLE INITIALLY DEFERRED)`);
    const outcome = transactor.transaction(async (tx) => {
      await tx.query(`INSERT INTO ${table}_deferred VALUES ('a'), ('a')`);
    });
    await expect(outcome).rejects.toMatchObject({ code: "23505" });
    await pool.query(`DROP TABLE ${table}_deferred`);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test("a client or nothing given for the pool is refused", () => {
    expect(() => pgTransactor(new Client() as never)).toThrow(/must be a Pool/);
    expect(() => pgTransactor(undefined as never)).toThrow(/must be a Pool/);
  });
});

describe("transactions on PGlite", () => {
  let database: PGlite;
  beforeAll(async () => {
    database = await PGlite.create();
    await database.exec(`CREATE TABLE ${table} (id text)`);
  });
  afterAll(() => database.close());

  test("commits, rolls back, and keeps the work's own error", async () => {
    const transactor = pgliteTransactor(database);
    await transactor.transaction((tx) => tx.query(`INSERT INTO ${table} VALUES ('kept')`));
    const failed = transactor.transaction(async (tx) => {
      await tx.query(`INSERT INTO ${table} VALUES ('gone')`);
      throw new Error("own");
    });
    await expect(failed).rejects.toThrow("own");
    expect((await database.query(`SELECT id FROM ${table}`)).rows).toEqual([{ id: "kept" }]);
  });

  test("a commit that would be a rollback is an error", async () => {
    const outcome = pgliteTransactor(database).transaction(async (tx) => {
      await tx.query("SELECT 1/0").catch(() => undefined);
    });
    await expect(outcome).rejects.toMatchObject({ code: "STORE_FAILED" });
  });

  test("work cannot end its transaction by a statement, in any way of asking; savepoints are its own", async () => {
    await pgliteTransactor(database).transaction(async (tx) => {
      await tx.query(`INSERT INTO ${table} VALUES ('with savepoints')`);
      const controlled = { code: "USAGE_TRANSACTION_CONTROL" };
      await expect(tx.query("COMMIT")).rejects.toMatchObject(controlled);
      await expect(tx.exec("SELECT 1; COMMIT")).rejects.toMatchObject(controlled);
      await expect(tx.sql`COMMIT`).rejects.toMatchObject(controlled);
      await tx.exec("SAVEPOINT one");
      await tx.sql`SELECT ${1}::integer AS n`;
      await tx.exec("ROLLBACK TO SAVEPOINT one");
    });
    const { rows } = await database.query(`SELECT id FROM ${table} WHERE id = 'with savepoints'`);
    expect(rows).toHaveLength(1);
  });

  test("work that ended its transaction behind the handle is told so", async () => {
    let real: Transaction | undefined;
    const watched: PgliteLike<Transaction> = {
      query: database.query.bind(database),
      exec: database.exec.bind(database),
      transaction: (work) => database.transaction((tx) => work((real = tx))),
      closed: false,
    };
    const outcome = pgliteTransactor(watched).transaction(async () => real?.exec("COMMIT"));
    await expect(outcome).rejects.toMatchObject({ code: "USAGE_TRANSACTION_CONTROL" });
  });

  test("a handle refuses to work after its transaction", async () => {
    const late = await pgliteTransactor(database).transaction((tx) => Promise.resolve({ tx }));
    await expect(late.tx.query("SELECT 1")).rejects.toMatchObject({ code: "STORE_TRANSACTION_CLOSED" });
  });

  test("work that rolls back by itself is told so", async () => {
    const outcome = pgliteTransactor(database).transaction((tx) => tx.rollback());
    await expect(outcome).rejects.toMatchObject({ code: "STORE_TRANSACTION_CLOSED" });
  });

  test("isolation is set as asked", async () => {
    const { rows } = await pgliteTransactor(database).transaction(
      (tx) => tx.query("SELECT current_setting('transaction_isolation') AS level"),
      { isolation: "repeatable read" },
    );
    expect(rows).toEqual([{ level: "repeatable read" }]);
  });

  test("the database itself is no transaction, and a transaction is none after its end", async () => {
    expect(() => fromPglite(database as never)).toThrow(
      expect.objectContaining({ code: "STORE_OUTSIDE_TRANSACTION" }),
    );
    const late = await database.transaction(async (tx) => fromPglite(tx));
    await expect(late.execute("SELECT 1", [])).rejects.toMatchObject({ code: "STORE_TRANSACTION_CLOSED" });
    expect(late.inTransaction()).toBeUndefined();
  });
});
