import {
  createMessaging,
  defineConsumer,
  domainFailureOf,
  domainHandlers,
  immediate,
  memory,
} from "@postrider/core";
import { createRecorder, defineDomainEvent, type DomainEvent } from "@postrider/core/domain";
import { Pool } from "pg";
import { postgres } from "@postrider/postgres";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { databases, type Opened, server, type TestTx, url } from "./support/databases.ts";
import { openLine } from "./support/proxy.ts";
import { Counted, serviceOn, silent, until } from "./support/service.ts";

type Of<Type extends string> = DomainEvent<Type, { readonly order: string }>;
const Paid = defineDomainEvent<Of<"paid">>("paid");
const Packed = defineDomainEvent<Of<"packed">>("packed");
const Sent = defineDomainEvent<Of<"sent">>("sent");

describe.each(databases)("domain events on $name", (database) => {
  let opened: Opened;
  let table: string;
  beforeAll(async () => {
    opened = await database.open("domain");
    table = `"${opened.schema}".effect`;
    await opened.sql(
      `CREATE TABLE ${table} (place serial, name text, tx text DEFAULT pg_current_xact_id()::text)`,
    );
  });
  afterEach(async () => {
    await opened.sql(`DELETE FROM ${table}`);
    await opened.sql(`DELETE FROM "${opened.schema}".outbox_event`);
    await opened.sql(`DELETE FROM "${opened.schema}".domain_event`);
  });
  afterAll(() => opened.close());

  const write = (tx: TestTx, name: string): Promise<unknown> =>
    tx.query(`INSERT INTO ${table} (name) VALUES ($1)`, [name]);

  const effects = () => opened.sql(`SELECT name, tx FROM ${table} ORDER BY place`);
  const outbox = () =>
    opened.sql(`SELECT payload, attributes FROM "${opened.schema}".outbox_event ORDER BY seq`);
  const journal = () => opened.sql(`SELECT * FROM "${opened.schema}".domain_event ORDER BY unit_id, place`);
  const service = () => serviceOn(opened.store, "keeps its outbox");

  /** Three levels, two handlers each. The last one of all is given, and the event is built when it has finished. */
  const cascade = (last: (tx: TestTx) => Promise<void>) =>
    domainHandlers({ store: opened.store })
      .on(Paid, async ({ data: { order } }, { tx, record }) => {
        await write(tx, "paid 1");
        record(Packed({ order }));
      })
      .on(Paid, async (_event, { tx }) => void (await write(tx, "paid 2")))
      .on(Packed, async ({ data: { order } }, { tx, record }) => {
        await write(tx, "packed 1");
        record(Sent({ order }));
      })
      .on(Packed, async (_event, { tx, publishLater }) => {
        await write(tx, "packed 2");
        publishLater(async () => {
          const { rows } = await tx.query(
            `SELECT string_agg(name, ',' ORDER BY place) AS name FROM ${table}`,
          );
          return Counted(rows[0] as { readonly name: string });
        });
      })
      .on(Sent, async (_event, { tx }) => void (await write(tx, "sent 1")))
      .on(Sent, async (_event, { tx }) => last(tx));

  const steps = ["work", "paid 1", "paid 2", "packed 1", "packed 2", "sent 1", "sent 2"];

  test("a cascade of three levels is one transaction in recorded order, and its event tells of the last handler's state", async () => {
    const units = (await service()).unitOfWork(
      cascade(async (tx) => void (await write(tx, "sent 2"))),
      {
        journal: true,
      },
    );
    const order = { id: "1", ...createRecorder() };
    const unitId = await units.run(
      async ({ tx, track, meta }) => {
        await write(tx, "work");
        track(order).record(Paid({ order: "1" }));
        return meta.unitId;
      },
      { actor: "user-7", tenant: "acme" },
    );
    const rows = await effects();
    expect(rows.map(({ name }) => name)).toEqual(steps);
    const [event, ...more] = await outbox();
    expect(more).toEqual([]);
    expect(JSON.parse(Buffer.from(event?.["payload"] as Uint8Array).toString())).toEqual({
      name: steps.join(","),
    });
    const entries = await journal();
    expect(entries.map(({ type, depth, place }) => [type, depth, place])).toEqual([
      ["paid", 1, 1],
      ["packed", 2, 2],
      ["sent", 3, 3],
    ]);
    const [paid, packed, sent] = entries;
    expect([packed?.["caused_by"], sent?.["caused_by"]]).toEqual([paid?.["id"], packed?.["id"]]);
    expect(event?.["attributes"]).toMatchObject({
      causationid: packed?.["id"],
      domainevent: "packed",
      authid: "user-7",
      correlationid: unitId,
    });
    expect(paid).toMatchObject({ unit_id: unitId, actor: "user-7", tenant: "acme", data: { order: "1" } });
    // Rows, journal and outbox were written by one and the same transaction.
    const ids = await opened.sql(
      `SELECT tx FROM ${table} UNION SELECT xmin::text FROM "${opened.schema}".domain_event UNION SELECT tx_id::text FROM "${opened.schema}".outbox_event`,
    );
    expect(ids).toHaveLength(1);
  });

  test("the last handler of all throws: no row anywhere, and its own error with its place", async () => {
    const cause = new RangeError("no carrier");
    const units = (await service()).unitOfWork(
      cascade(() => Promise.reject(cause)),
      { journal: true },
    );
    const error = await units
      .run(async ({ tx, record, publish }) => {
        await write(tx, "work");
        publish(Counted({ name: "work" }));
        record(Paid({ order: "1" }));
      })
      .catch((thrown: unknown) => thrown);
    expect(error).toBe(cause);
    expect(domainFailureOf(error)).toMatchObject({ depth: 3, chain: ["paid", "packed", "sent"] });
    expect([await effects(), await outbox(), await journal()]).toEqual([[], [], []]);
  });

  test("events that cause each other in a circle end in under a second, and leave nothing", async () => {
    const units = (await service()).unitOfWork(
      domainHandlers({ store: opened.store })
        .on(Paid, async ({ data }, { tx, record }) => {
          await write(tx, "paid");
          record(Packed(data));
        })
        .on(Packed, ({ data }, { record }) => record(Paid(data))),
    );
    const startedMs = performance.now();
    const outcome = units.run(async ({ record }) => record(Paid({ order: "1" })));
    await expect(outcome).rejects.toThrow("paid → packed → paid → packed");
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await effects()).toEqual([]);
  });

  test("statements that nobody awaited are told of, and the handle refuses what comes after the end", async () => {
    const warnings: string[] = [];
    const hear = (warning: Error & { readonly code?: string }) => void warnings.push(String(warning.code));
    process.on("warning", hear);
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const left: Promise<unknown>[] = [];
    const units = (await service()).unitOfWork(
      domainHandlers({ store: opened.store }).on(Paid, (_event, { tx }) => {
        left.push(write(tx, "not awaited"));
        left.push(ended.then(() => write(tx, "after the end")));
      }),
    );
    await units.run(async ({ record }) => record(Paid({ order: "1" })));
    end();
    const outcomes = await Promise.allSettled(left);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", hear);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "STORE_TRANSACTION_CLOSED" } });
    expect((await effects()).map(({ name }) => name)).toEqual(["not awaited"]);
    expect(warnings).toEqual(["POSTRIDER_UNAWAITED"]);
    await units.run(async ({ tx }) => void (await write(tx, "awaited")));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toHaveLength(1);
  });

  test("a consumer's handler and its domain events are one transaction with the inbox mark", async () => {
    const messaging = await createMessaging({
      source: "/test",
      broker: memory(),
      store: opened.store,
      relay: false,
      logger: silent,
      unitOfWork: {
        handlers: domainHandlers({ store: opened.store }).on(Paid, async ({ data }, { tx }) => {
          await write(tx, `domain ${data.order}`);
          if (data.order === "first") throw new Error("not yet");
        }),
      },
    });
    onTestFinished(() => messaging.close());
    const consumer = defineConsumer("domain", { store: opened.store, retry: immediate({ attempts: 2 }) }).on(
      Counted,
      async (_event, { tx, record, attempt }) => {
        await write(tx, "handler");
        record(Paid({ order: attempt === 1 ? "first" : "second" }));
      },
    );
    const subscription = await messaging.consume(consumer);
    await messaging.publish(Counted({ name: "1" }));
    await until("it was handled", () => subscription.counts().handled === 1);
    expect((await effects()).map(({ name }) => name)).toEqual(["handler", "domain second"]);
    const ids = await opened.sql(
      `SELECT tx FROM ${table} UNION SELECT tx_id::text FROM "${opened.schema}".inbox_message WHERE consumer = 'domain'`,
    );
    expect(ids).toHaveLength(1);
  });
});

describe("domain events on the server", () => {
  let opened: Opened;
  let table: string;
  beforeAll(async () => {
    opened = await server.open("domain_server");
    table = `"${opened.schema}".account`;
    await opened.sql(`CREATE TABLE ${table} (id text PRIMARY KEY, balance integer NOT NULL)`);
  });
  afterEach(() => opened.sql(`DELETE FROM ${table}`));
  afterAll(() => opened.close());

  test("units that collide at serializable all succeed with retries, and no event is lost or handled twice", async () => {
    await opened.sql(`INSERT INTO ${table} VALUES ('a', 0)`);
    const units = (await serviceOn(opened.store, "keeps its outbox")).unitOfWork(
      domainHandlers({ store: opened.store }).map(Paid, ({ data: { order } }) => Counted({ name: order })),
    );
    const add = (order: string) =>
      units.run(
        async ({ tx, record }) => {
          const { rows } = await tx.query(`SELECT balance FROM ${table} WHERE id = 'a'`);
          const { balance } = rows[0] as { readonly balance: number };
          record(Paid({ order }));
          await tx.query(`UPDATE ${table} SET balance = $1 WHERE id = 'a'`, [balance + 1]);
        },
        { isolation: "serializable", retries: 50 },
      );
    await Promise.all(Array.from({ length: 8 }, (_, n) => add(String(n))));
    expect(await opened.sql(`SELECT balance FROM ${table}`)).toEqual([{ balance: 8 }]);
    const events = await opened.sql(`SELECT payload FROM "${opened.schema}".outbox_event`);
    expect(events).toHaveLength(8);
  });

  test("requires-new commits on a connection of its own while the outer unit rolls back", async () => {
    const units = (await serviceOn(opened.store, "keeps its outbox")).unitOfWork();
    const outcome = units.run(async (outer) => {
      await outer.tx.query(`INSERT INTO ${table} VALUES ('outer', 1)`);
      const inner = async ({ tx }: { readonly tx: TestTx }) =>
        void (await tx.query(`INSERT INTO ${table} VALUES ('inner', 1)`));
      await units.run(inner, { propagation: "requires-new" });
      throw new Error("outer");
    });
    await expect(outcome).rejects.toThrow("outer");
    expect(await opened.sql(`SELECT id FROM ${table}`)).toEqual([{ id: "inner" }]);
  });

  test.each(["lost", "answer lost"] as const)(
    "COMMIT %s: the outcome is unknown, the unit is not run again, and no hook runs",
    async (what) => {
      const line = await openLine(url());
      const pool = new Pool({ connectionString: line.url, max: 3 });
      pool.on("error", () => {});
      onTestFinished(async () => {
        await pool.end().catch(() => undefined);
        await line.close();
      });
      const store = postgres({ pool, schema: opened.schema });
      const units = (await serviceOn(store, "keeps its outbox")).unitOfWork(
        domainHandlers({ store }).on(Paid, async (_event, { tx }) => {
          await tx.query(`INSERT INTO ${table} VALUES ('handler', 1)`);
          line.cutAt("COMMIT", what);
        }),
      );
      let runs = 0;
      const hooks: string[] = [];
      const outcome = units.run(
        async ({ tx, record, afterCommit }) => {
          runs += 1;
          await tx.query(`INSERT INTO ${table} VALUES ('work', 1)`);
          afterCommit(() => void hooks.push("committed"));
          record(Paid({ order: "1" }));
        },
        { retries: 5 },
      );
      await expect(outcome).rejects.toMatchObject({ code: "STORE_OUTCOME_UNKNOWN", retryable: false });
      expect([runs, hooks]).toEqual([1, []]);
      const there = (await opened.sql(`SELECT id FROM ${table} ORDER BY id`)).map(({ id }) => id);
      expect(there).toEqual(what === "lost" ? [] : ["handler", "work"]);
    },
  );
});
