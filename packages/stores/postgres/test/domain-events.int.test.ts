import { domainHandlers } from "@postrider/core";
import { createRecorder, defineDomainEvent, type DomainEvent } from "@postrider/core/domain";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { databases, type Opened, type TestTx } from "./support/databases.ts";
import { Counted, serviceOn } from "./support/service.ts";

type Paid = DomainEvent<"order-paid", { readonly order: string }>;
const Paid = defineDomainEvent<Paid>("order-paid");

describe.each(databases)("domain events on $name", (database) => {
  let opened: Opened;
  let table: string;
  beforeAll(async () => {
    opened = await database.open("domain");
    table = `"${opened.schema}".effect`;
    await opened.sql(`CREATE TABLE ${table} (name text, tx text DEFAULT pg_current_xact_id()::text)`);
  });
  afterEach(async () => {
    await opened.sql(`DELETE FROM ${table}`);
    await opened.sql(`DELETE FROM "${opened.schema}".outbox_event`);
  });
  afterAll(() => opened.close());

  const write = (tx: TestTx, name: string): Promise<unknown> =>
    tx.query(`INSERT INTO ${table} (name) VALUES ($1)`, [name]);

  test("one event, one handler, one integration event: one transaction", async () => {
    const handlers = domainHandlers({ store: opened.store })
      .on(Paid, async ({ data }, { tx }) => void (await write(tx, `handled ${data.order}`)))
      .map(Paid, ({ data }) => Counted({ name: data.order }));
    const units = (await serviceOn(opened.store, "keeps its outbox")).unitOfWork(handlers);
    const order = { id: "1", ...createRecorder() };
    await units.run(async ({ tx, track }) => {
      await write(tx, "work");
      track(order).record(Paid({ order: "1" }));
    });
    const rows = await opened.sql(`SELECT name, tx FROM ${table} ORDER BY name`);
    expect(rows.map(({ name }) => name)).toEqual(["handled 1", "work"]);
    expect(new Set(rows.map(({ tx }) => tx)).size).toBe(1);
    const events = await opened.sql(`SELECT attributes FROM "${opened.schema}".outbox_event`);
    expect(events).toEqual([{ attributes: expect.objectContaining({ domainevent: "order-paid" }) }]);
  });
});
