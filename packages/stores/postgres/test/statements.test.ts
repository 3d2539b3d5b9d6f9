import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { registerStatement } from "../src/inbox/register.ts";
import { unregisterStatement } from "../src/inbox/unregister.ts";
import { appendStatement as journalStatement } from "../src/journal/append.ts";
import { appendStatements } from "../src/outbox/append.ts";
import { confirmStatements } from "../src/outbox/confirm.ts";
import { positionList } from "../src/outbox/positions.ts";
import { readStatements } from "../src/outbox/read.ts";
import { checksumOf, migrations, sqlOf } from "../src/schema/migrations.ts";
import { tablesOf } from "../src/schema/tables.ts";

const tables = tablesOf("app", "m_");

describe("statements", () => {
  test("what goes through the user's library has each parameter once, in order, in both ways of writing them", () => {
    for (const statement of [
      appendStatements(tables).one,
      appendStatements(tables).many,
      journalStatement(tables),
      registerStatement(tables),
      unregisterStatement(tables),
    ]) {
      const dollars = statement.$n.match(/\$\d+/g) ?? [];
      expect(dollars).toEqual(dollars.map((_, n) => `$${n + 1}`));
      expect(statement["?"].match(/\?/g)).toHaveLength(dollars.length);
      expect(statement["?"]).not.toMatch(/\$\d/);
      expect(statement.$n).not.toContain("?");
    }
  });

  test("append is one constant statement: for one event with a parameter per column, for more with one parameter", () => {
    expect(appendStatements(tables).one.$n).toMatchSnapshot("one");
    expect(appendStatements(tables).many.$n).toMatchSnapshot("many");
  });

  test("the journal is written by one constant statement with one parameter", () => {
    expect(journalStatement(tables).$n).toMatchSnapshot();
  });

  test("a read looks first, then pins the plan, then reads above the mark", () => {
    expect(readStatements(tables).withWriters(41n, { maxRows: 500, maxBytes: 8_388_608 })).toMatchSnapshot();
  });

  test("confirm deletes exactly the rows and gives an id of its own", () => {
    expect(confirmStatements(tables)(positionList(["1", "22"]))).toMatchSnapshot();
  });

  test("the inbox marks and takes back by the unique key", () => {
    expect([registerStatement(tables).$n, unregisterStatement(tables).$n]).toMatchSnapshot();
  });

  test("positions are digits and nothing else", () => {
    expect(positionList([])).toBe("{}");
    for (const wrong of ["1;", "", "-1", "1 OR 1=1", "1".repeat(20), "1e5"]) {
      expect(() => positionList(["1", wrong])).toThrow(/positions/);
    }
  });
});

describe("migrations", () => {
  test("107. a released step never changes: its contents have the checksum on record", () => {
    expect(migrations.map((step) => [step.name, checksumOf(step)])).toEqual([
      ["001-outbox-and-inbox", "24b7a80f6e168242ade4afebcfbc8c8b6026fe9b0c6b661ce20eccb12d211856"],
      ["002-domain-journal", "87a6c951db01a631427dbb5fa1a722c789693018bee4e952288f77a12dc37f04"],
    ]);
  });

  test("the checksum does not depend on the names of schema and tables, and no name is left open", () => {
    for (const step of migrations) {
      expect(checksumOf(step)).toBe(createHash("sha256").update(step.sql).digest("hex"));
      expect(sqlOf(step, tables)).not.toMatch(/\{\{|\}\}/);
    }
  });

  test("steps are numbered without a gap, in order", () => {
    expect(migrations.map((step) => Number(step.name.slice(0, 3)))).toEqual(migrations.map((_, n) => n + 1));
  });

  test("every index has a name within PostgreSQL's 63 bytes, with the longest prefix", () => {
    const longest = tablesOf("a".repeat(63), "p".repeat(30));
    const names = migrations.flatMap((step) =>
      [...sqlOf(step, longest).matchAll(/"(\w+)"/g)].map((match) => match[1] ?? ""),
    );
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(63);
  });
});
