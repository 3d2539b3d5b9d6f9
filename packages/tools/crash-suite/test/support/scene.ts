import { createMessaging, memory, outboxAdmin, type OutboxAdmin } from "@postrider/core";
import { type GatedMoment, serverUrl, type StatementGate, statementGate } from "@postrider/test-servers";
import { Client } from "pg";
import { expect, onTestFinished, vi } from "vitest";
import type { ConsumerPlace } from "../processes/consumer-process.ts";
import type { RelayPoint } from "../processes/relay-process.ts";
import { nameOf, openDatabase, Placed, type Place, silent, type Step } from "../processes/wiring.ts";
import { type Child, startChild } from "./child.ts";
import { patience } from "./patience.ts";
import { openVhost, type Vhost } from "./vhost.ts";

/** A schema and a vhost of its own, and the processes that work there. All of it goes away with the test. */
export interface Scene {
  readonly schema: string;
  readonly broker: Vhost;
  /** For people: what they do to an outbox. */
  readonly admin: OutboxAdmin;
  sql(text: string, values?: unknown[]): Promise<readonly Row[]>;
  /** The one column of what was found. */
  column(text: string): Promise<readonly string[]>;
  /** Commits one order after the other, each in a transaction of its own, among others that roll back. */
  place(orders: readonly Step[]): Promise<void>;
  /** Where statements on a table of this schema wait. */
  gateOn(table: string, moment: GatedMoment): Promise<StatementGate>;
  startRelay(point?: RelayPoint): Child;
  startConsumer(place: Omit<ConsumerPlace, keyof Place> & Partial<Place>): Child;
  startShop(order: Step): Child;
}

const relayProcess = new URL("../processes/relay-process.ts", import.meta.url);
const consumerProcess = new URL("../processes/consumer-process.ts", import.meta.url);
const shopProcess = new URL("../processes/shop-process.ts", import.meta.url);

export type Row = Readonly<Record<string, unknown>>;

/** Steps from 1 to `last`, or from `first`, of three orders. */
export function steps(last: number, first = 1): readonly Step[] {
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return numbers.flatMap((step) => ["k0", "k1", "k2"].map((key) => ({ key, step })));
}

export async function openScene(): Promise<Scene> {
  const schema = `crash_${process.pid}_${Math.random().toString(36).slice(2)}`;
  const broker = await openVhost();
  const place: Place = { databaseUrl: serverUrl("postgres"), schema, brokerUrl: broker.url };
  const { pool, store } = openDatabase(place);
  await pool.query(`CREATE SCHEMA ${schema}`);
  onTestFinished(async () => {
    await pool.query(`DROP SCHEMA ${schema} CASCADE`);
    await store.close();
    await pool.end();
  });
  await store.migrate();
  await pool.query("CREATE TABLE placed (turn bigint GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY)");
  // No key: an effect that happens twice must be seen.
  await pool.query("CREATE TABLE effect (turn bigint GENERATED ALWAYS AS IDENTITY, name text, pid integer)");
  const messaging = await createMessaging({
    source: "/suite/shop",
    broker: memory(), // nothing leaves by this: relays are processes
    store,
    relay: false,
    logger: silent,
  });
  onTestFinished(() => messaging.close());

  const placeOne = (order: Step): Promise<void> =>
    store.transaction(async (tx) => {
      await tx.query("INSERT INTO placed (name) VALUES ($1)", [nameOf(order)]);
      await messaging.outbox.add(tx, Placed(order));
    });
  const placeInVain = async (order: Step): Promise<void> => {
    const reason = new Error("rolled back");
    const failed = store.transaction(async (tx) => {
      await messaging.outbox.add(tx, Placed({ ...order, key: `never-${order.key}` }));
      throw reason;
    });
    await expect(failed).rejects.toBe(reason);
  };
  const sql = async (text: string, values?: unknown[]): Promise<readonly Row[]> =>
    (await pool.query<Row>(text, values)).rows;
  const start = (program: URL, more: object): Child => startChild(program, { ...place, ...more });

  return {
    schema,
    broker,
    admin: outboxAdmin(store),
    sql,
    column: async (text) => (await sql(text)).map((row) => String(Object.values(row)[0])),
    place: async (orders) => {
      for (const order of orders) {
        await placeOne(order);
        await placeInVain(order);
      }
    },
    gateOn: async (table, moment) => {
      const client = new Client(place.databaseUrl);
      await client.connect();
      onTestFinished(() => client.end());
      return statementGate(client, `"${schema}"."${table}"`, moment);
    },
    startRelay: (point) => start(relayProcess, { point }),
    startConsumer: (more) => start(consumerProcess, more),
    startShop: (order) => start(shopProcess, { order }),
  };
}

/** Nothing waits in the outbox any more, nor beside it. */
export function outboxIsEmpty({ sql }: Scene): Promise<void> {
  return vi.waitFor(async () => {
    const rows = await sql("SELECT type FROM outbox_event UNION ALL SELECT status FROM outbox_parked");
    expect(rows).toEqual([]);
  }, patience);
}

export function isShut(gate: { waiting(): number | Promise<number> }): Promise<void> {
  return vi.waitFor(async () => expect(await gate.waiting()).toBeGreaterThan(0), patience);
}
