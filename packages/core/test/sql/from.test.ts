import { describe, expect, test } from "vitest";
import { fromPg, fromPglite, isSqlTx, sqlStateOf } from "../../src/sql/index.ts";

const result = { rows: [{ n: 1 }], rowCount: 1, command: "INSERT" };

function pgClient(status?: string) {
  const asked: unknown[] = [];
  return {
    asked,
    query: async (...args: unknown[]) => {
      asked.push(args);
      return result;
    },
    ...(status === undefined ? {} : { getTransactionStatus: () => status }),
  };
}

describe("a client of pg as SQL", () => {
  test("92. it tells what the server last said, and nothing where the library cannot tell", () => {
    expect(["I", "T", "E"].map((status) => fromPg(pgClient(status)).inTransaction())).toEqual([
      false,
      true,
      true,
    ]);
    expect(fromPg(pgClient()).inTransaction()).toBeUndefined();
  });

  test("passes text and parameters on, and tells rows and how many were changed", async () => {
    const client = pgClient("T");
    expect(await fromPg(client).execute("INSERT $1", ["a"])).toEqual({ rows: [{ n: 1 }], affected: 1 });
    expect(client.asked).toEqual([["INSERT $1", ["a"]]]);
    const selecting = { query: async () => ({ rows: [{}, {}], rowCount: 2, command: "SELECT" }) };
    expect((await fromPg(selecting).execute("SELECT", [])).affected).toBe(0);
  });

  test("92. a pool is refused, and so is what is no client", () => {
    const pool = { ...pgClient(), totalCount: 0 };
    expect(() => fromPg(pool as never)).toThrow(
      expect.objectContaining({ code: "STORE_OUTSIDE_TRANSACTION" }),
    );
    for (const wrong of [undefined, null, 1, "postgres://", {}]) {
      expect(() => fromPg(wrong as never)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    }
  });
});

describe("a transaction of PGlite as SQL", () => {
  const tx = (closed: boolean) => ({
    query: async () => ({ rows: [], affectedRows: 3 }),
    exec: async () => [],
    rollback: async () => {},
    closed,
  });

  test("is a transaction until it is closed, and then fails each statement", async () => {
    expect(fromPglite(tx(false)).inTransaction()).toBe(true);
    expect(await fromPglite(tx(false)).execute("DELETE", [])).toEqual({ rows: [], affected: 3 });
    expect(fromPglite(tx(true)).inTransaction()).toBeUndefined();
    await expect(fromPglite(tx(true)).execute("DELETE", [])).rejects.toMatchObject({
      code: "STORE_TRANSACTION_CLOSED",
    });
  });

  test("92. the database is refused, and so is what is no transaction", () => {
    const database = { ...tx(false), transaction: async () => {} };
    expect(() => fromPglite(database as never)).toThrow(
      expect.objectContaining({ code: "STORE_OUTSIDE_TRANSACTION" }),
    );
    expect(() => fromPglite({} as never)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

describe("telling things apart", () => {
  test("an adapter's transaction is told from a library's own handle", () => {
    expect(isSqlTx(fromPg(pgClient()))).toBe(true);
    const others = [
      undefined,
      null,
      "x",
      {},
      pgClient(),
      { mode: "async", execute: () => {} },
      { execute: () => {}, inTransaction: () => true },
    ];
    expect(others.map(isSqlTx)).toEqual(others.map(() => false));
  });

  test("the server's reason is found under the wrappings of an ORM, and Node's codes are not taken for one", () => {
    const server = Object.assign(new Error("dup"), { code: "23505" });
    expect(sqlStateOf(new Error("orm", { cause: new Error("driver", { cause: server }) }))).toBe("23505");
    for (const code of ["EPIPE", "ECONNRESET", 23_505, "P2010x"]) {
      expect(sqlStateOf(Object.assign(new Error("node"), { code }))).toBeUndefined();
    }
    const circle: { cause?: unknown } = {};
    circle.cause = circle;
    expect(sqlStateOf(circle)).toBeUndefined();
  });
});
