// From COMMIT to the broker, and what an idle relay asks: `npm run bench -- outbox-latency`. Needs PostgreSQL
// (DATABASE_URL, or `npm run services -- up postgres`).
//
// One transaction every 20 ms or so. The relay's transport notes when it is given the message; the writer notes when
// COMMIT returned. Processes are separate where it says so, on one machine, so that their clocks are one.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createRelay, defineEvent, createMessaging, memory } from "@postrider/core";
import { fromPg } from "@postrider/core/sql";
import { postgres } from "@postrider/postgres";
import pg from "pg";
import { z } from "zod";
import { databaseUrl } from "../scripts/torture/database.mjs";

const quiet = { debug() {}, info() {}, warn() {}, error: console.error };
const nowMs = () => performance.timeOrigin + performance.now();
const [role, url = "", schema = "", wake] = process.argv.slice(2);
const Ticked = defineEvent("bench.latency.ticked.v1", { data: z.object({ n: z.number() }) });

if (role === "relay") await relay();
else await compare();

function storeOn(pool, connectionString, name, hears) {
  const connection = hears ? () => new pg.Client(connectionString) : undefined;
  return postgres({ pool, schema: name, logger: quiet, connection });
}

/** A transport that notes the time and confirms. */
function noting(note) {
  const real = memory();
  const publish = async (messages) => {
    for (const { attributes } of messages) note(attributes.id, nowMs());
    return messages.map(() => ({ status: "confirmed" }));
  };
  return { ...real, publisher: { publish, publishRun: publish } };
}

async function relay() {
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  const transport = noting((id, atMs) => process.send({ id, atMs }));
  await transport.connect();
  const one = createRelay({ store: storeOn(pool, url, schema, wake === "notify"), transport, logger: quiet });
  one.start();
  while (one.health().state !== "leading") await new Promise((resolve) => setTimeout(resolve, 10));
  process.send("leads");
  process.once("disconnect", () => process.exit(0));
}

async function compare() {
  const connectionString = await databaseUrl();
  const count = Number(role ?? 300);
  const rows = [
    ["same process, transaction of the store", { where: "here", owner: "store", wake: "poll" }],
    ["same process, transaction of the user", { where: "here", owner: "user", wake: "poll" }],
    ["other process, LISTEN", { where: "there", owner: "store", wake: "notify" }],
    ["other process, LISTEN, transaction of the user", { where: "there", owner: "user", wake: "notify" }],
    ["other process, polling only", { where: "there", owner: "store", wake: "poll" }],
  ];
  for (const [name, plan] of rows) {
    const { p50, p99, idle } = await measure(
      connectionString,
      plan,
      plan.wake === "poll" && plan.where === "there" ? Math.min(count, 60) : count,
    );
    console.log(
      `${name.padEnd(48)} p50 ${p50.toFixed(1).padStart(7)} ms  p99 ${p99.toFixed(1).padStart(7)} ms  idle ${idle.toFixed(1)} statements/s`,
    );
  }
}

async function measure(connectionString, plan, count) {
  const name = `bench_latency_${process.pid}`;
  const pool = new pg.Pool({ connectionString, max: 6 });
  const arrived = new Map();
  const store = storeOn(pool, connectionString, name, plan.wake === "notify");
  await store.migrate();
  const there =
    plan.where === "there"
      ? fork(fileURLToPath(import.meta.url), ["relay", connectionString, name, plan.wake], {
          execArgv: ["--conditions=@postrider/source"],
        })
      : undefined;
  const transport = noting((id, atMs) => arrived.set(id, atMs));
  await transport.connect();
  const here = there === undefined ? createRelay({ store, transport, logger: quiet }) : undefined;
  here?.start();
  if (there) {
    await once(there, "message");
    there.on("message", ({ id, atMs }) => arrived.set(id, atMs));
  }
  const messaging = await createMessaging({
    source: "/bench",
    broker: memory(),
    store,
    relay: false,
    logger: quiet,
  });
  const uow = messaging.unitOfWork();
  const committed = new Map();
  const spread = plan.wake === "poll" && there ? 900 : 30;
  for (let n = 0; n < count; n += 1) {
    const id = `${n}`;
    if (plan.owner === "store") await uow.run(async (unit) => unit.publish(Ticked({ n }, { id })));
    else {
      const client = await pool.connect();
      await client.query("BEGIN");
      await messaging.outbox.add(fromPg(client), Ticked({ n }, { id }));
      await client.query("COMMIT");
      client.release();
    }
    committed.set(id, nowMs());
    await new Promise((resolve) => setTimeout(resolve, spread * Math.random()));
  }
  for (const endMs = nowMs() + 5_000; arrived.size < count && nowMs() < endMs;)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const idle = await statementsWhileIdle(pool, name);
  const latencies = [...committed]
    .map(([id, atMs]) => Math.max(0, (arrived.get(id) ?? Infinity) - atMs))
    .sort((a, b) => a - b);
  there?.kill();
  await here?.stop();
  await messaging.close();
  await store.close();
  await pool.query(`DROP SCHEMA "${name}" CASCADE`);
  await pool.end();
  return { p50: latencies[Math.floor(count * 0.5)], p99: latencies[Math.floor(count * 0.99)], idle };
}

/** Transactions of the whole database over five seconds: run it on a server that does nothing else. */
async function statementsWhileIdle(pool) {
  // A session tells its counts up to ten seconds late.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const count = async () =>
    Number(
      (
        await pool.query(
          "SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()",
        )
      ).rows[0].n,
    );
  const before = await count();
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  return ((await count()) - before - 1) / 5;
}
