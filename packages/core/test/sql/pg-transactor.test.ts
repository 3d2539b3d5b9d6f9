import { fakeClock } from "@postrider/core/testing";
import { describe, expect, test } from "vitest";
import { pgTransactor } from "../../src/sql/index.ts";

/** A pool of one client that answers as it is told, and what befell it. */
function scripted(answers: Readonly<Record<string, () => Promise<unknown>>> = {}) {
  const asked: string[] = [];
  const released: unknown[] = [];
  let fail: (error: Error) => void = () => {};
  let status = "I";
  const client = {
    query: async (text: string) => {
      asked.push(text);
      const answer = await (answers[text] ?? (() => Promise.resolve()))();
      status = text === "COMMIT" || text === "ROLLBACK" ? "I" : "T";
      return { rows: [], rowCount: 0, command: text, ...(answer as object) };
    },
    getTransactionStatus: () => status,
    on: (_name: "error", listener: (error: Error) => void) => (fail = listener),
    removeListener: () => {},
    release: (reason?: unknown) => void released.push(reason),
  };
  const clock = fakeClock();
  const pool = { connect: () => Promise.resolve(client), totalCount: 1 };
  const { transaction } = pgTransactor(pool, { clock });
  return { asked, released, clock, transaction, breakDown: () => fail(new Error("reset")) };
}

function refusing(properties: Readonly<Record<string, unknown>>): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error("as the server says"), properties));
}

const never = (): Promise<never> => new Promise(() => {});

describe("the answer to COMMIT", () => {
  test.each([
    ["none, the connection broke", {}],
    ["none, as Node says it", { code: "ECONNRESET" }],
    ["a shutdown by the administrator", { code: "57P01", severity: "FATAL" }],
    ["a broken connection, by a pooler", { code: "08P01" }],
    ["the outcome is not known", { code: "40003", severity: "ERROR" }],
    ["a session that was ended", { code: "53200", severity: "FATAL" }],
    ["a crash", { code: "53100", severity: "PANIC" }],
  ])("%s: the outcome is unknown, not retryable, and the client destroyed", async (_what, properties) => {
    const { transaction, released, asked } = scripted({ COMMIT: refusing(properties) });
    const error: unknown = await transaction(async () => "done").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "STORE_OUTCOME_UNKNOWN", retryable: false, cause: properties });
    expect(String(error)).toMatch(/business key/);
    expect(released).toEqual([expect.any(Error)]);
    expect(asked).toEqual(["BEGIN", "COMMIT"]);
  });

  test.each(["40001", "23505", "57014"])("%s: the server's own word, and a rollback", async (code) => {
    const { transaction } = scripted({ COMMIT: refusing({ code, severity: "ERROR" }) });
    await expect(transaction(async () => "done")).rejects.toMatchObject({ code });
  });

  test("a connection that broke before COMMIT was sent: nothing was committed, and it can be tried again", async () => {
    const { transaction, breakDown, asked, released } = scripted();
    const outcome = transaction(async () => breakDown());
    await expect(outcome).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect([asked, released]).toEqual([["BEGIN"], [expect.any(Error)]]);
  });
});

describe("work that failed while a statement of it is under way", () => {
  test("a statement that ends within a second is waited for, and the client goes back whole", async () => {
    let end = (): void => {};
    const slow = () => new Promise<void>((resolve) => (end = resolve));
    const { transaction, clock, asked, released } = scripted({ slow });
    const outcome = transaction(async (tx) => {
      void tx.query("slow");
      throw new Error("given up");
    });
    outcome.catch(() => undefined);
    await clock.advance(999);
    expect(released).toEqual([]);
    end();
    await expect(outcome).rejects.toThrow("given up");
    expect([asked, released]).toEqual([["BEGIN", "slow", "ROLLBACK"], [undefined]]);
  });

  test("one that never ends holds the client two seconds, and then it is destroyed and nothing more is sent", async () => {
    const { transaction, clock, asked, released } = scripted({ never });
    const outcome = transaction(async (tx) => {
      void tx.query("never");
      throw new Error("given up");
    });
    outcome.catch(() => undefined);
    await clock.advance(1_000);
    expect(released).toEqual([]);
    await clock.advance(1_000);
    await expect(outcome).rejects.toThrow("given up");
    expect([asked, released]).toEqual([["BEGIN", "never"], [expect.any(Error)]]);
  });

  test("a ROLLBACK without an answer is bounded, too", async () => {
    const { transaction, clock, released } = scripted({ ROLLBACK: never });
    const outcome = transaction(() => Promise.reject(new Error("given up")));
    outcome.catch(() => undefined);
    await clock.advance(2_000);
    await expect(outcome).rejects.toThrow("given up");
    expect(released).toEqual([expect.any(Error)]);
  });
});
