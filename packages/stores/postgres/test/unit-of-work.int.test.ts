import { defineConsumer, fixed, type MessagingWithStore } from "@postrider/core";
import { Pool } from "pg";
import { postgres } from "@postrider/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { databases, type Opened, server, type TestTx, url } from "./support/databases.ts";
import { openLine } from "./support/proxy.ts";
import { Counted, serviceOn, until } from "./support/service.ts";

const mebibyte = "x".repeat(1_024 * 1_024);

describe.each(databases)("units of work on $name", (database) => {
  let opened: Opened;
  let table: string;
  beforeAll(async () => {
    opened = await database.open("units");
    table = `"${opened.schema}".effect`;
    await opened.sql(`CREATE TABLE ${table} (name text)`);
  });
  afterEach(async () => {
    await opened.sql(`DELETE FROM ${table}`);
    await opened.sql(`DELETE FROM "${opened.schema}".outbox_event`);
  });
  afterAll(() => opened.close());

  const service = (): Promise<MessagingWithStore<TestTx>> => serviceOn(opened.store, "keeps its outbox");
  const write = (tx: TestTx, name: string): Promise<unknown> =>
    tx.query(`INSERT INTO ${table} VALUES ($1)`, [name]);
  const effects = (): Promise<readonly unknown[]> => opened.sql(`SELECT name FROM ${table} ORDER BY name`);
  const outbox = async (): Promise<number> =>
    (await opened.sql(`SELECT 1 FROM "${opened.schema}".outbox_event`)).length;

  test("a unit inside that failed makes the outer one roll back, although its error was caught", async () => {
    const units = (await service()).unitOfWork();
    const cause = new Error("of the inner one");
    const outcome = units.run(async ({ tx, publish }) => {
      await write(tx, "outer");
      publish(Counted({ name: "outer" }));
      const inside = units.run(async (inner) => {
        inner.publish(Counted({ name: "inner" }));
        await write(inner.tx, "inner");
        throw cause;
      });
      await expect(inside).rejects.toBe(cause);
    });
    await expect(outcome).rejects.toMatchObject({ code: "USAGE_ROLLBACK_ONLY", retryable: false, cause });
    expect([await effects(), await outbox()]).toEqual([[], 0]);
  });

  test("a unit inside joins the transaction, at its isolation and no other", async () => {
    const units = (await service()).unitOfWork();
    const serializable = { isolation: "serializable" } as const;
    await units.run(async (outer) => {
      await units.run(async ({ tx, publish }) => {
        expect(tx).toBe(outer.tx);
        await write(tx, "inner");
        publish(Counted({ name: "inner" }));
      }, serializable);
      await expect(units.run(() => Promise.resolve(), { isolation: "read committed" })).rejects.toMatchObject(
        { code: "USAGE_ISOLATION_MISMATCH" },
      );
      await write(outer.tx, "outer");
    }, serializable);
    expect([await effects(), await outbox()]).toEqual([[{ name: "inner" }, { name: "outer" }], 1]);
  });

  test("COMMIT as a statement is refused: what follows fails or commits with everything else, never apart", async () => {
    const units = (await service()).unitOfWork();
    const passed = units.run(async ({ tx, publish }) => {
      await write(tx, "passed on");
      publish(Counted({ name: "passed on" }));
      await tx.query("COMMIT");
    });
    await expect(passed).rejects.toMatchObject({ code: "USAGE_TRANSACTION_CONTROL" });
    expect([await effects(), await outbox()]).toEqual([[], 0]);
    await units.run(async ({ tx, publish }) => {
      await write(tx, "caught");
      publish(Counted({ name: "caught" }));
      await tx.query("COMMIT").catch(() => undefined);
    });
    expect([await effects(), await outbox()]).toEqual([[{ name: "caught" }], 1]);
  });

  test("more than one statement takes is refused with its size, and cannot be helped by trying again", async () => {
    const units = (await service()).unitOfWork();
    const outcome = units.run(async ({ tx, publish }) => {
      await write(tx, "too large");
      for (let n = 0; n < 200; n += 1) publish(Counted({ name: mebibyte }));
    });
    await expect(outcome).rejects.toMatchObject({
      code: "STORE_TOO_LARGE",
      retryable: false,
      context: { events: 200, payloadBytes: expect.any(Number) },
    });
    expect([await effects(), await outbox()]).toEqual([[], 0]);
  });

  test("a handler that commits by itself, or goes on after a unit inside failed, has failed and left nothing", async () => {
    const messaging = await service();
    const consumer = defineConsumer("units", {
      store: opened.store,
      retry: fixed({ attempts: 2, delayMs: 1 }),
    }).on(Counted, async (_event, { tx, attempt, publish }) => {
      await write(tx, `attempt ${attempt}`);
      publish(Counted({ name: "follow-up" }));
      if (attempt === 1) await tx.query("COMMIT");
      const inside = messaging.unitOfWork().run(() => Promise.reject(new Error("inside")));
      await inside.catch(() => undefined);
    });
    const subscription = await messaging.consume(consumer);
    await messaging.publish(Counted({ name: "first" }));
    await until("all attempts were made", () => subscription.counts()["dead-lettered"] === 1);
    expect([await effects(), await outbox()]).toEqual([[], 0]);
  });
});

describe("a consumer whose COMMIT gets no answer", () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await server.open("lost_commit");
    await opened.sql(`CREATE TABLE "${opened.schema}".effect (name text)`);
  });
  afterAll(() => opened.close());

  test.each(["lost", "answer lost"] as const)("COMMIT %s: the message is worked on once", async (what) => {
    const line = await openLine(url());
    onTestFinished(() => line.close());
    const pool = new Pool({ connectionString: line.url, max: 4 });
    onTestFinished(() => pool.end());
    const store = postgres({ pool, schema: opened.schema });
    onTestFinished(() => store.close());
    const messaging = await serviceOn(store, "keeps its outbox");
    let runs = 0;
    const consumer = defineConsumer(what.replace(" ", "-"), {
      store,
      retry: fixed({ attempts: 1, delayMs: 1 }),
    }).on(Counted, async (_event, { tx, attempt }) => {
      runs += 1;
      expect(attempt).toBe(1);
      await tx.query(`INSERT INTO "${opened.schema}".effect VALUES ($1)`, [what]);
      if (runs === 1) line.cutAt("COMMIT", what);
    });
    const subscription = await messaging.consume(consumer);
    await messaging.publish(Counted({ name: what }));
    const counts = () => subscription.counts();
    await until("it was settled", () => counts().handled + counts().duplicate === 1);
    const rows = await opened.sql(`SELECT name FROM "${opened.schema}".effect WHERE name = $1`, [what]);
    expect(rows).toHaveLength(1);
    expect([runs, counts()["dead-lettered"]]).toEqual([what === "lost" ? 2 : 1, 0]);
  });
});
