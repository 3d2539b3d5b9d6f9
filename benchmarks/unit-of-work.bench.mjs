// What events add to a small business transaction on PostgreSQL: `npm run bench -- unit-of-work`.
//
// The transaction: an order's row is locked and read, changed, and a line is inserted; BEGIN and COMMIT around it. Each
// variant runs it on one connection. The variants take turns in a random order that a seed fixes, so that whatever else
// the machine does hits all of them. `plain` is the driver alone; `unit` is a unit of work without events; `1 event` has
// a domain event, its handler, and the integration event it is mapped to; `20 events` has twenty of each.
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

/** @param {{ query(text: string, values?: unknown[]): Promise<{ rows: { total: number }[] }> }} tx @param {number} order */
async function work(tx, order) {
  const { rows } = await tx.query(`SELECT total FROM "${schema}".orders WHERE id = $1 FOR UPDATE`, [order]);
  const total = (rows[0]?.total ?? 0) + 1;
  await tx.query(`UPDATE "${schema}".orders SET total = $2 WHERE id = $1`, [order, total]);
  await tx.query(`INSERT INTO "${schema}".line (order_id, sku) VALUES ($1, $2)`, [order, "sku-1"]);
  return total;
}

/** @param {number} order */
async function plain(order) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await work(client, order);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

/** @param {number} count */
const withEvents = (count) => (/** @type {number} */ order) =>
  units.run(async ({ tx, track }) => {
    const aggregate = createRecorder();
    track(aggregate);
    const total = await work(tx, order);
    for (let n = 0; n < count; n += 1) aggregate.record(OrderPaid({ order, total }));
  });

const variants = { plain, unit: withEvents(0), "1 event": withEvents(1), "20 events": withEvents(20) };
const names = /** @type {(keyof typeof variants)[]} */ (Object.keys(variants));
/** @type {Record<string, number[]>} */
const samples = Object.fromEntries(names.map((name) => [name, []]));

const random = mulberry(seed);
for (let round = -200; round < rounds; round += 1) {
  for (const name of shuffled(names)) {
    const order = Math.floor(random() * 100);
    const startedMs = performance.now();
    await variants[name](order);
    if (round >= 0) samples[name]?.push(performance.now() - startedMs);
  }
}

const base = quantile("plain", 0.5);
console.log(`PostgreSQL, ${rounds} rounds, seed ${seed}, Node ${process.version}`);
for (const name of names) {
  const p50 = quantile(name, 0.5);
  const more = `${p50 >= base ? "+" : ""}${((p50 / base - 1) * 100).toFixed(1)} %`;
  console.log(
    `${name.padEnd(10)} p50 ${p50.toFixed(3)} ms  p99 ${quantile(name, 0.99).toFixed(3)} ms  ${more.padStart(9)}`,
  );
}
const missed = [
  ["1 event", 1.2],
  ["20 events", 2.2],
].filter(([name, most]) => quantile(String(name), 0.5) > base * Number(most));
for (const [name] of missed) console.log(`${name} misses its bar`);

await messaging.close();
await store.close();
await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
await pool.end();
process.exitCode = missed.length > 0 ? 1 : 0;

/** @param {string} name @param {number} share */
function quantile(name, share) {
  const sorted = (samples[name] ?? []).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
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
