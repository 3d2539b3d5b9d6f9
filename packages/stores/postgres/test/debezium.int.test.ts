import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Opened, server } from "./support/databases.ts";
import { sealed } from "./support/events.ts";
import { drain, lead, rows } from "./support/relay.ts";

const config = JSON.parse(
  readFileSync(new URL("fixtures/debezium-outbox-router.json", import.meta.url), "utf8"),
) as Readonly<Record<string, string>>;

/** What Debezium's PostgreSQL connector makes of a column, as far as its outbox router cares. */
const connectTypes: Readonly<Record<string, string>> = {
  text: "STRING",
  bytea: "BYTES",
  integer: "INT32",
  json: "STRING",
};

describe("10. Debezium's outbox router reads the table unchanged", () => {
  let opened: Opened;
  let columns: ReadonlyMap<string, { readonly type: string; readonly nullable: boolean }>;
  beforeAll(async () => {
    opened = await server.open("debezium");
    const rows = await opened.sql(
      `SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = $1 AND table_name = 'outbox_event'`,
      [opened.schema],
    );
    columns = new Map(
      rows.map((row) => [
        String(row["column_name"]),
        { type: String(row["data_type"]), nullable: row["is_nullable"] === "YES" },
      ]),
    );
  });
  afterAll(() => opened.close());

  const option = (name: string): string => config[`transforms.outbox.${name}`] ?? "";
  const connectType = (column: string): string | undefined => connectTypes[columns.get(column)?.type ?? ""];

  test("the columns it needs are there, never null, of the types it reads", () => {
    for (const field of ["event.id", "event.key", "event.type"]) {
      const column = option(`table.field.${field}`);
      expect([column, connectType(column), columns.get(column)?.nullable]).toEqual([column, "STRING", false]);
    }
    expect(connectType(option("route.by.field"))).toBe("STRING");
    expect(connectType(option("table.field.event.payload"))).toBe("BYTES");
  });

  test("every column that is placed exists: headers as text, the partition as 32 bits", () => {
    const placements = option("table.fields.additional.placement")
      .split(",")
      .map((one) => one.split(":"));
    expect(placements.length).toBeGreaterThan(10);
    for (const [column = "", place] of placements) {
      expect([column, connectType(column)]).toEqual([column, place === "partition" ? "INT32" : "STRING"]);
    }
  });

  test("every attribute that CloudEvents requires goes into a header of the binary mode", () => {
    const placement = option("table.fields.additional.placement");
    for (const name of ["id", "source", "type", "specversion"])
      expect(placement).toContain(`${name}:header:ce_${name}`);
  });

  test("no column is read as the event's time: the router cannot read a timestamptz there", () => {
    expect(config["transforms.outbox.table.field.event.timestamp"]).toBeUndefined();
    expect(columns.get("stored_at")?.type).toBe("timestamp with time zone");
  });

  test("112. the whole life of a row is insert and delete: the router fails on an update", async () => {
    const { store, sql, schema } = opened;
    await sql(`CREATE TABLE "${schema}".seen (op text)`);
    await sql(
      `CREATE FUNCTION "${schema}".see() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO "${schema}".seen VALUES (TG_OP); RETURN coalesce(NEW, OLD); END $$`,
    );
    await sql(
      `CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON "${schema}".outbox_event FOR EACH ROW EXECUTE FUNCTION "${schema}".see()`,
    );
    await store.transaction((tx) => Promise.resolve(store.outbox.append(tx, [sealed("1"), sealed("2")])));
    const lease = await lead(store.relay);
    const [first] = await store.relay.read(lease, rows(1));
    if (first === undefined) throw new Error("a row expected");
    await store.relay.park(lease, [
      { event: first, status: "retry", attempts: 1, waitMs: 0, error: undefined },
    ]);
    await drain(store.relay, lease);
    const operations = await sql(
      `SELECT op, count(*)::integer AS n FROM "${schema}".seen GROUP BY op ORDER BY op`,
    );
    expect(operations).toEqual([
      { op: "DELETE", n: 2 },
      { op: "INSERT", n: 2 },
    ]);
  });
});
