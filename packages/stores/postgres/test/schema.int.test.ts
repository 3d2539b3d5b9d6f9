import { afterEach, describe, expect, test } from "vitest";
import { databases, type Opened, server } from "./support/databases.ts";
import { sealed } from "./support/events.ts";
import { drain, ids, lead } from "./support/relay.ts";

describe.each(databases)("schema on $name", (database) => {
  let opened: Opened | undefined;
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });

  test("107. migrate applies each step once, and a second run has nothing to do", async () => {
    opened = await database.open("schema_once");
    expect(await opened.store.migrate()).toEqual([]);
    await opened.store.assertSchema();
    const steps = await opened.sql(
      `SELECT name, checksum FROM "${opened.schema}".messaging_migration ORDER BY name`,
    );
    expect(steps).toEqual([
      { name: "001-outbox-and-inbox", checksum: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { name: "002-domain-journal", checksum: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
  });

  test("107. stores that start at the same time take turns, and one of them applies the steps", async () => {
    opened = await database.open("schema_race");
    const { another, sql, schema } = opened;
    await sql(`DROP SCHEMA "${schema}" CASCADE`);
    const all = await Promise.all(Array.from({ length: 8 }, () => another().migrate()));
    expect(all.filter((applied) => applied.length > 0)).toEqual([
      ["001-outbox-and-inbox", "002-domain-journal"],
    ]);
    await another().assertSchema();
  });

  test("107. assertSchema names the missing step, and what to do", async () => {
    opened = await database.open("schema_missing");
    const { another, sql, schema } = opened;
    await sql(`DROP SCHEMA "${schema}" CASCADE`);
    await expect(another().assertSchema()).rejects.toMatchObject({
      code: "STORE_SCHEMA_MISSING",
      message: expect.stringMatching(
        /lacks 001-outbox-and-inbox, 002-domain-journal\. Run store\.migrate\(\)/,
      ),
    });
  });

  test("107. a failing step leaves nothing behind and tells why", async () => {
    opened = await database.open("schema_fail");
    const { another, sql, schema } = opened;
    await sql(`DROP SCHEMA "${schema}" CASCADE`);
    await sql(`CREATE SCHEMA "${schema}"`);
    await sql(`CREATE TABLE "${schema}".inbox_message (mine integer)`);
    await expect(another().migrate()).rejects.toMatchObject({
      code: "STORE_FAILED",
      context: { sqlState: "42P07" },
    });
    const tables = await sql("SELECT tablename FROM pg_tables WHERE schemaname = $1", [schema]);
    expect(tables).toEqual([{ tablename: "inbox_message" }]);
  });

  test("107. a step that was applied with other contents is refused", async () => {
    opened = await database.open("schema_other");
    await opened.sql(`UPDATE "${opened.schema}".messaging_migration SET checksum = 'x'`);
    const refused = expect.objectContaining({
      code: "STORE_SCHEMA_MISSING",
      message: expect.stringMatching(/other contents/),
    });
    await expect(opened.store.assertSchema()).rejects.toEqual(refused);
    await expect(opened.store.migrate()).rejects.toEqual(refused);
  });

  test("8. a sequence that sessions cache is refused", async () => {
    opened = await database.open("schema_cache");
    await opened.sql(`ALTER SEQUENCE "${opened.schema}".outbox_event_seq_seq CACHE 20`);
    await expect(opened.store.assertSchema()).rejects.toThrow(/ALTER SEQUENCE .* CACHE 1/);
  });

  test("8. a table whose number stands before the transaction's id is refused", async () => {
    opened = await database.open("schema_order");
    await opened.sql(`ALTER TABLE "${opened.schema}".outbox_event DROP COLUMN tx_id`);
    await opened.sql(
      `ALTER TABLE "${opened.schema}".outbox_event ADD COLUMN tx_id xid8 NOT NULL DEFAULT pg_current_xact_id()`,
    );
    await expect(opened.store.assertSchema()).rejects.toThrow(/tx_id with its default before seq/);
  });

  test("8. a transaction's id without its default is refused", async () => {
    opened = await database.open("schema_default");
    await opened.sql(`ALTER TABLE "${opened.schema}".outbox_event ALTER COLUMN tx_id DROP DEFAULT`);
    await expect(opened.store.assertSchema()).rejects.toThrow(/tx_id with its default before seq/);
  });

  test("108. two outboxes in one schema keep apart by their prefix", async () => {
    opened = await database.open("schema_two");
    const { store, another } = opened;
    const billing = another({ tablePrefix: "billing_" });
    await billing.migrate();
    await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [sealed("ours")])));
    await billing.transaction(async (tx) => {
      await billing.outbox.append(tx, [sealed("theirs")]);
      expect(await billing.inbox.register(tx, "c", ["s#1"])).toEqual(new Set(["s#1"]));
    });
    const [a, b] = [await lead(store.relay), await lead(billing.relay)];
    expect(ids(await drain(store.relay, a))).toEqual(["ours"]);
    expect(ids(await drain(billing.relay, b))).toEqual(["theirs"]);
  });

  test("names with capitals are taken as they are", async () => {
    opened = await database.open("Schema_Case", { tablePrefix: "Ab_" });
    await opened.store.assertSchema();
  });
});

describe("printed migrations", () => {
  test("107. the printed script makes a schema in which every step counts as applied", async () => {
    const opened = await server.open("schema_print");
    try {
      const script = opened.store.printMigrations();
      await opened.sql(`DROP SCHEMA "${opened.schema}" CASCADE`);
      await opened.sql(script);
      await opened.store.assertSchema();
      expect(await opened.store.migrate()).toEqual([]);
    } finally {
      await opened.close();
    }
  });

  test("8. a transaction gets its id before it draws a number: the plan of a plain insert says so", async () => {
    const opened = await server.open("schema_plan");
    try {
      const table = `"${opened.schema}".outbox_event`;
      const plan = await opened.sql(
        `EXPLAIN (VERBOSE) INSERT INTO ${table} (shard, id, aggregatetype, aggregateid, type, source) SELECT 1, 'a', 'b', 'c', 'd', 'e'`,
      );
      expect(plan.map((row) => String(row["QUERY PLAN"])).join("\n")).toMatch(
        /pg_current_xact_id\(\).*nextval/s,
      );
    } finally {
      await opened.close();
    }
  });
});
