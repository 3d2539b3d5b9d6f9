import { describe, expect, test } from "vitest";
import { lendClient } from "../../src/sql/lend-client.ts";

class Client {
  #asked = 0;
  readonly name = "one";
  settle: (error?: Error) => void = () => {};
  async query(): Promise<number> {
    this.#asked += 1;
    await new Promise<void>((resolve, reject) => {
      this.settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    return this.#asked;
  }
  getTransactionStatus(): string {
    return "T";
  }
  count(): number {
    return this.#asked;
  }
}

describe("a client on loan", () => {
  test("is the client in every respect: private members, properties, instanceof, the same method each time", () => {
    const { handle } = lendClient(new Client());
    expect(handle).toBeInstanceOf(Client);
    expect([handle.name, handle.count(), handle.getTransactionStatus()]).toEqual(["one", 0, "T"]);
    expect(handle.query).toBe(handle.query);
    expect("query" in handle).toBe(true);
  });

  test("what is taken back waits for the statements under way, and tells the first that failed", async () => {
    const client = new Client();
    const loan = lendClient(client);
    const answer = loan.handle.query();
    let taken = false;
    const takingBack = loan.takeBack().then(() => (taken = true));
    await Promise.resolve();
    expect(taken).toBe(false);
    client.settle(new Error("first"));
    await expect(answer).rejects.toThrow("first");
    await takingBack;
    expect(loan.firstFailure()).toMatchObject({ message: "first" });
  });

  test("after that each method refuses, in the way it was asked, and the client itself goes on", async () => {
    const client = new Client();
    const { handle, takeBack } = lendClient(client);
    const kept = handle.count;
    await takeBack();
    const closed = expect.objectContaining({ code: "STORE_TRANSACTION_CLOSED" });
    await expect(handle.query()).rejects.toEqual(closed);
    expect(() => handle.count()).toThrow(closed);
    expect(() => kept()).toThrow(closed);
    expect(() => (handle.query as (cursor: object) => unknown)({ submit: () => {} })).toThrow(closed);
    expect(handle.getTransactionStatus()).toBeNull();
    expect(client.count()).toBe(0);
  });
});

describe("a client on loan and the end of its transaction", () => {
  const controlled = expect.objectContaining({
    code: "USAGE_TRANSACTION_CONTROL",
    retryable: false,
    context: { statement: "COMMIT" },
  });

  function recording() {
    const asked: unknown[] = [];
    const ask = (...args: unknown[]): Promise<void> => {
      asked.push(args[0]);
      return Promise.resolve();
    };
    const { handle } = lendClient({ query: ask, exec: ask, sql: ask, other: ask });
    return { asked, handle };
  }

  test("statements that would end it are refused in each way of asking, and never reach the server", async () => {
    const { asked, handle } = recording();
    for (const run of [handle.query, handle.exec, handle.sql]) {
      await expect(run("COMMIT")).rejects.toEqual(controlled);
      await expect(run("SELECT 1; COMMIT")).rejects.toEqual(controlled);
    }
    await expect(handle.query({ text: "COMMIT" })).rejects.toEqual(controlled);
    await expect(handle.sql(["COMMIT"])).rejects.toEqual(controlled);
    const told: unknown[] = [];
    expect(handle.query("COMMIT", (error: unknown) => told.push(error))).toBeUndefined();
    expect(told).toEqual([controlled]);
    expect(() => handle.query({ text: "COMMIT", submit: () => {} })).toThrow(controlled);
    expect(asked).toEqual([]);
  });

  test("savepoints pass, and so does what is no statement", async () => {
    const { asked, handle } = recording();
    await handle.query("SAVEPOINT s");
    await handle.query({ text: "ROLLBACK TO s" });
    await handle.sql(["SELECT ", " AS ended"], 1);
    await handle.query(undefined);
    await handle.other("COMMIT");
    expect(asked).toHaveLength(5);
  });
});
