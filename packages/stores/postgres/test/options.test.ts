import { OptionsError } from "@postrider/core";
import { Client, Pool } from "pg";
import { describe, expect, test } from "vitest";
import { postgres } from "@postrider/postgres";

function problems(options: unknown): readonly string[] {
  try {
    postgres(options as Parameters<typeof postgres>[0]);
  } catch (error) {
    if (error instanceof OptionsError) return error.problems;
    throw error;
  }
  return [];
}

describe("options of the store", () => {
  // A pool of pg opens nothing until it is asked.
  const pool = new Pool();

  test("107. hostile names of schema and tables are refused", () => {
    const hostile = ['a"; DROP TABLE x; --', "", "1st", "a b", "ü", "x".repeat(64), "pg_catalog", 7, "a.b"];
    for (const schema of hostile) expect([schema, problems({ pool, schema }).length]).toEqual([schema, 1]);
    for (const tablePrefix of ["a-", '"', "x".repeat(31), 7]) {
      expect([tablePrefix, problems({ pool, tablePrefix }).length]).toEqual([tablePrefix, 1]);
    }
    expect(problems({ pool, schema: "Messaging_2", tablePrefix: "billing_" })).toEqual([]);
  });

  test("all problems are told in one error", () => {
    expect(
      problems({ schema: "a b", tablePrefix: "-", statementTimeoutMs: 1, fullReadEveryMs: Number.NaN }),
    ).toEqual([
      expect.stringMatching(/^pool:/),
      expect.stringMatching(/^schema:/),
      expect.stringMatching(/^tablePrefix:/),
      expect.stringMatching(/^statementTimeoutMs:/),
      expect.stringMatching(/^fullReadEveryMs:/),
    ]);
  });

  test("an option that there is not is refused with the name that was meant, beside the other problems", () => {
    expect(problems({ pool, shema: "x" })).toEqual(["shema: is no option (did you mean 'schema'?)"]);
    expect(problems({ pol: pool, tablePrefix: "-" })).toEqual([
      "pol: is no option (did you mean 'pool'?)",
      expect.stringMatching(/^pool:/),
      expect.stringMatching(/^tablePrefix:/),
    ]);
  });

  test.each([undefined, null, 5, "postgres://db", [pool]])(
    "%s instead of options is refused with a sentence",
    (options) => {
      expect(problems(options)).toEqual(["options: must be an object with 'pool' or 'pglite'"]);
    },
  );

  test("a logger, a clock or a transactor that is none is refused", () => {
    expect(problems({ pool, logger: console.log, clock: {}, transactor: 5 })).toEqual([
      "logger: must have debug, info, warn and error",
      "clock: must have now, monotonicMs and schedule",
      "transactor: must be a transactor such as pgTransactor(pool)",
    ]);
  });

  test("a client, nothing, or two databases given for the pool are refused", () => {
    expect(problems({ pool: new Client() })).toEqual([expect.stringMatching(/single client/)]);
    expect(problems({ pool: { connect: () => {} } })).toEqual([expect.stringMatching(/must be a Pool/)]);
    expect(problems({ pool: "postgres://db" })).toHaveLength(1);
    expect(problems({})).toHaveLength(1);
    expect(problems({ pool, pglite: {} })).toEqual([expect.stringMatching(/either/)]);
    expect(problems({ pglite: { query: () => {} } })).toEqual([expect.stringMatching(/^pglite:/)]);
  });

  test("the size of the pool and the line in front of it are told where the pool tells them", () => {
    const store = postgres({ pool: new Pool({ max: 7 }) });
    expect([store.poolSize, store.poolWaiting()]).toEqual([7, 0]);
    const line = postgres({ pool: Object.defineProperty(new Pool(), "waitingCount", { value: 3 }) });
    expect(line.poolWaiting()).toBe(3);
  });

  test("close takes back what was attached to the pool, and may be called twice", async () => {
    const own = new Pool();
    const store = postgres({ pool: own });
    expect(own.listenerCount("error")).toBe(1);
    await store.close();
    await store.close();
    expect(own.listenerCount("error")).toBe(0);
  });
});
