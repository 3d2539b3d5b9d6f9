// What events add to a small business transaction on PostgreSQL: `npm run bench -- unit-of-work`.
//
// Two transactions, each with BEGIN and COMMIT around it: `order` locks and reads an order's row, changes it, and inserts
// a line (three statements); `tpc-b` is the small transaction that pgbench runs by default (five statements). Each
// variant runs on one connection, and the variants take turns in a random order that a seed fixes, so that whatever else
// the machine does hits all of them. `plain` is the driver alone; `unit` is a unit of work without events; `1 event` has
// a domain event, its handler, and the integration event it is mapped to; `20 events` has twenty of each. Three more tell
// what any outbox costs here: `select 1` sends one statement that does nothing, `1 by hand` and `20 by hand` insert the
// same rows as the library, sealed before, with the driver alone.
//
// Bars (p50 over `plain`): one event at most 20 %, twenty at most 120 %. Exits with 1 when one is missed.
import pg from "pg";
import { z } from "zod";
import { createMessaging, defineEvent, domainHandlers, memory } from "@postrider/core";
import { createRecorder, defineDomainEvent } from "@postrider/core/domain";
import { postgres } from "../packages/stores/postgres/src/index.ts";
import { serverAddresses } from "../scripts/runner/server-addresses.mjs";

const rounds = Number(process.argv[2] ?? 2_000);
const seed = Number(process.argv[3] ?? 1);
const url = process.env.POSTRIDER_POSTGRES_URL ?? serverAddresses().POSTRIDER_TEST_POSTGRES_URL;
if (url === undefined) {
  console.error("No PostgreSQL: npm run services -- up postgres, or set POSTRIDER_POSTGRES_URL.");
  process.exit(2);
}

const schema = `bench_unit_${process.pid}`;
const pool = new pg.Pool({ connectionString: url, max: 4 });
const store = postgres({ pool, schema });
await store.migrate();
await pool.query(`CREATE TABLE "${schema}".orders (id integer PRIMARY KEY, total integer NOT NULL)`);
await pool.query(`CREATE TABLE "${schema}".line (place serial PRIMARY KEY, order_id integer, sku text)`);
await pool.query(`INSERT INTO "${schema}".orders SELECT n, 0 FROM generate_series(0, 99) n`);
for (const table of ["teller", "branch"]) {
  await pool.query(`CREATE TABLE "${schema}".${table} (id integer PRIMARY KEY, total integer NOT NULL)`);
  await pool.query(`INSERT INTO "${schema}".${table} SELECT n, 0 FROM generate_series(0, 9) n`);
}
await pool.query(
  `CREATE TABLE "${schema}".history (order_id integer, amount integer, at timestamptz DEFAULT clock_timestamp())`,
);

const OrderPaid = defineDomainEvent("order-paid");
const Paid = defineEvent("com.acme.orders.order-paid.v1", {
  data: z.object({ orderId: z.string(), total: z.number(), note: z.string() }),
  key: (order) => order.orderId,
});
const note = "x".repeat(120);
const handlers = domainHandlers({ store })
  .on(OrderPaid, () => {})
  .map(OrderPaid, ({ data }) => Paid({ orderId: String(data.order), total: data.total, note }));
const messaging = await createMessaging({ source: "/bench", broker: memory(), store, relay: false });
const units = messaging.unitOfWork(handlers);

/** @typedef {{ query(text: string, values?: unknown[]): Promise<{ rows: { total: number }[] }> }} Client */

/** The business transactions, by name; each gives the order's new total. @type {Record<string, (tx: Client, order: number) => Promise<number>>} */
const transactions = {
  order: async (tx, order) => {
    const { rows } = await tx.query(`SELECT total FROM "${schema}".orders WHERE id = $1 FOR UPDATE`, [order]);
    const total = (rows[0]?.total ?? 0) + 1;
    await tx.query(`UPDATE "${schema}".orders SET total = $2 WHERE id = $1`, [order, total]);
    await tx.query(`INSERT INTO "${schema}".line (order_id, sku) VALUES ($1, $2)`, [order, "sku-1"]);
    return total;
  },
  "tpc-b": async (tx, order) => {
    await tx.query(`UPDATE "${schema}".orders SET total = total + $2 WHERE id = $1`, [order, 1]);
    const { rows } = await tx.query(`SELECT total FROM "${schema}".orders WHERE id = $1`, [order]);
    await tx.query(`UPDATE "${schema}".teller SET total = total + $2 WHERE id = $1`, [order % 10, 1]);
    await tx.query(`UPDATE "${schema}".branch SET total = total + $2 WHERE id = $1`, [0, 1]);
    await tx.query(`INSERT INTO "${schema}".history (order_id, amount) VALUES ($1, $2)`, [order, 1]);
    return rows[0]?.total ?? 0;
  },
};

/** @typedef {(work: (typeof transactions)[string]) => (order: number) => Promise<unknown>} Variant */

/** With the driver alone, and what `last` sends before COMMIT. @param {(client: Client) => Promise<unknown>} [last] @returns {Variant} */
const byDriver = (last) => (work) => async (order) => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await work(client, order);
    await last?.(client);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
};

/** @param {number} count @returns {Variant} */
const withEvents = (count) => (work) => (order) =>
  units.run(async ({ tx, track }) => {
    const aggregate = createRecorder();
    track(aggregate);
    const total = await work(tx, order);
    for (let n = 0; n < count; n += 1) aggregate.record(OrderPaid({ order, total }));
  });

const oneByHand = await statementOf(1);
const twentyByHand = await statementOf(20);
/** p50 over `plain`, at most. @type {Record<string, number>} */
const bars = { "1 event": 1.2, "20 events": 2.2 };
/** @type {Record<string, Variant>} */
const variants = {
  plain: byDriver(),
  "select 1": byDriver((client) => client.query("SELECT 1")),
  unit: withEvents(0),
  "1 by hand": byDriver((client) => client.query(...oneByHand)),
  "1 event": withEvents(1),
  "20 by hand": byDriver((client) => client.query(...twentyByHand)),
  "20 events": withEvents(20),
};

/** The statement that the store writes so many events with. @param {number} count @returns {Promise<[string, unknown[]]>} */
async function statementOf(count) {
  /** @type {[string, unknown[]]} */
  const seen = ["", []];
  const drafts = Array.from({ length: count }, (_, n) => Paid({ orderId: String(n), total: n, note }));
  /** @type {import("@postrider/core").AsyncSqlTx} */
  const ear = {
    mode: "async",
    placeholders: "$n",
    inTransaction: () => true,
    execute: async (text, values) => {
      seen[0] = text;
      seen[1] = [...values];
      return { rows: [], affected: count };
    },
  };
  await messaging.outbox.add(ear, ...drafts);
  return seen;
}

const random = mulberry(seed);
console.log(`PostgreSQL, ${rounds} rounds, seed ${seed}, Node ${process.version}`);
let missed = false;
for (const [transaction, work] of Object.entries(transactions))
  missed = (await compare(transaction, work)) || missed;

await messaging.close();
await store.close();
await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
await pool.end();
process.exitCode = missed ? 1 : 0;

/** True when a bar is missed. @param {string} transaction @param {(typeof transactions)[string]} work */
async function compare(transaction, work) {
  const runs = Object.entries(variants).map(([name, variant]) => ({
    name,
    run: variant(work),
    tookMs: /** @type {number[]} */ ([]),
  }));
  for (let round = -500; round < rounds; round += 1) {
    for (const { run, tookMs } of shuffled(runs)) {
      const order = Math.floor(random() * 100);
      const startedMs = performance.now();
      await run(order);
      if (round >= 0) tookMs.push(performance.now() - startedMs);
    }
  }
  const base = quantile(runs[0]?.tookMs ?? [], 0.5);
  let isMissed = false;
  for (const { name, tookMs } of runs) {
    const p50 = quantile(tookMs, 0.5);
    const bar = bars[name];
    const overBar = bar !== undefined && p50 > base * bar;
    isMissed ||= overBar;
    const more = `${p50 >= base ? "+" : ""}${((p50 / base - 1) * 100).toFixed(1)} %`;
    console.log(
      `${transaction.padEnd(6)} ${name.padEnd(10)} p50 ${p50.toFixed(3)} ms  p99 ${quantile(tookMs, 0.99).toFixed(3)} ms  ${more.padStart(9)}${overBar ? "  misses its bar" : ""}`,
    );
  }
  return isMissed;
}

/** @param {readonly number[]} samples @param {number} share */
function quantile(samples, share) {
  return samples.toSorted((one, other) => one - other)[Math.floor(samples.length * share)] ?? Number.NaN;
}

/** @template T @param {readonly T[]} items @returns {T[]} */
function shuffled(items) {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

/** A small generator of numbers that a seed fixes. @param {number} state */
function mulberry(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
