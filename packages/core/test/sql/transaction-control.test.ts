import { describe, expect, test } from "vitest";
import { transactionControlIn } from "../../src/sql/transaction-control.ts";

describe("statements that begin or end a transaction", () => {
  test.each([
    ["COMMIT", "COMMIT"],
    ["  commit work ;", "COMMIT WORK"],
    ["END", "END"],
    ["abort", "ABORT"],
    ["ROLLBACK", "ROLLBACK"],
    ["rollback and chain", "ROLLBACK AND"],
    ["ROLLBACK WORK", "ROLLBACK WORK"],
    ["BEGIN", "BEGIN"],
    ["START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION"],
    ["prepare transaction 'a'", "PREPARE TRANSACTION"],
    ["COMMIT PREPARED 'a'", "COMMIT PREPARED"],
    ["-- done\nCOMMIT", "COMMIT"],
    ["/* a /* nested */ one */ COMMIT", "COMMIT"],
    ["; ; COMMIT", "COMMIT"],
    ["SELECT 1; COMMIT; SELECT 2", "COMMIT"],
    ["INSERT INTO t VALUES ('it''s; fine'); COMMIT", "COMMIT"],
    ["SELECT E'\\'; --' ; COMMIT", "COMMIT"],
    ["SELECT '\\'; COMMIT; --'", "COMMIT"],
    ["SELECT $a$ $b$ ; $a$; COMMIT", "COMMIT"],
    ['SELECT 1 AS "a;b"; COMMIT', "COMMIT"],
    ["SELECT a$b$c; COMMIT; SELECT a$b$c", "COMMIT"],
  ])("%j is one", (text, statement) => {
    expect(transactionControlIn(text)).toBe(statement);
  });

  test.each([
    "SELECT 1",
    "",
    ";",
    "SAVEPOINT commit",
    "RELEASE SAVEPOINT s",
    "ROLLBACK TO s",
    "ROLLBACK TO SAVEPOINT s",
    "rollback work to savepoint s",
    "ROLLBACK TRANSACTION TO s",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "PREPARE plan AS SELECT 1",
    "SELECT CASE WHEN true THEN 1 END; SELECT 2",
    "INSERT INTO t VALUES ('; COMMIT;')",
    "INSERT INTO t VALUES (E'\\'; COMMIT; --')",
    'SELECT 1 AS "; COMMIT"',
    "SELECT 1 -- ; COMMIT\n",
    "SELECT 1 /* ; COMMIT /* ; COMMIT */ ; COMMIT */",
    "DO $$ BEGIN PERFORM 1; END $$",
    "DO $body$ BEGIN PERFORM $$;COMMIT$$; END $body$",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT f()",
    "UPDATE commits SET start = 1",
    "SELECT 'never closed; COMMIT",
    "SELECT 1 /* never closed ; COMMIT",
    "SELECT $1; SELECT $2",
  ])("%j is none", (text) => {
    expect(transactionControlIn(text)).toBeUndefined();
  });

  test("a text of a mebibyte takes no longer than it takes to read it", () => {
    const startedMs = performance.now();
    for (const filling of ["'", '"', "$", "/*", "--", ";", "e'", "\\"]) {
      transactionControlIn(`SELECT ${filling.repeat(1_000_000 / filling.length)}; COMMIT`);
    }
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
