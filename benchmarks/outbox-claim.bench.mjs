// What a read of the relay costs with much in front of it: `npm run bench -- outbox-claim`. Needs PostgreSQL
// (DATABASE_URL, or `npm run services -- up postgres`), and some minutes. What must hold is asserted in pages of the plan
// by packages/stores/postgres/test/dead-rows.long.test.ts; here are times.
import { postgres } from "@postrider/postgres";
import pg from "pg";
import { databaseUrl } from "../scripts/torture/database.mjs";

const bounds = { maxRows: 500, maxBytes: 8 * 1_024 * 1_024 };
const reads = 40;
const pool = new pg.Pool({ connectionString: await databaseUrl(), max: 4 });
const schema = `bench_claim_${process.pid}`;
const store = postgres({ pool, schema });
await store.migrate();
await pool.query(`ALTER TABLE "${schema}".outbox_event SET UNLOGGED`);

try {
  await insert(100_000);
  await measure("backlog 0.1 M");
  await insert(4_900_000);
  await measure("backlog 5 M");
  await pool.query(`TRUNCATE "${schema}".outbox_event`);
  for (const [name, hold] of [
    ["an old snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"],
    ["a write transaction", "BEGIN; SELECT pg_current_xact_id()"],
  ])
    await behindDeadRows(name, hold);
} finally {
  await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
  await store.close();
  await pool.end();
}

/** The same lease throughout: the mark belongs to it. */
async function behindDeadRows(name, hold) {
  const holder = await pool.connect();
  await holder.query(hold);
  const lease = await store.relay.acquire("bench", 3_600_000);
  await insert(300_000);
  const startMs = performance.now();
  for (
    let page = await store.relay.read(lease, bounds);
    page.length > 0;
    page = await store.relay.read(lease, bounds)
  )
    await store.relay.confirm(lease, page);
  const rate = Math.round(300_000 / ((performance.now() - startMs) / 1_000));
  await insert(500);
  await measure(`behind 300,000 dead rows, ${name}`, lease);
  console.log(`${"".padEnd(48)} drained ${rate.toLocaleString("en")} rows/s`);
  await store.relay.release(lease);
  holder.release(true);
  await pool.query(`TRUNCATE "${schema}".outbox_event`);
}

async function measure(name, given) {
  const lease = given ?? (await store.relay.acquire("bench", 3_600_000));
  const times = [];
  for (let n = 0; n < reads; n += 1) {
    const startMs = performance.now();
    await store.relay.read(lease, bounds);
    times.push(performance.now() - startMs);
  }
  if (given === undefined) await store.relay.release(lease);
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.floor(reads * part)].toFixed(1).padStart(6);
  console.log(`${name.padEnd(48)} p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  (500 rows, parsing included)`);
}

async function insert(count) {
  await pool.query(
    `INSERT INTO "${schema}".outbox_event (shard, id, aggregatetype, aggregateid, type, source, payload)
     SELECT n % 16, 'id-' || n, 'com.acme.orders', 'k' || n % 1000, 'com.acme.orders.order-placed.v1', '/s',
       decode(repeat('61', 200), 'hex') FROM generate_series(1, $1::integer) AS n`,
    [count],
  );
}
