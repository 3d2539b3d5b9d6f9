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
