import { postgres } from "@postrider/postgres";
import { Pool } from "pg";
import { keyed } from "./events.ts";

/* One business transaction in a process of its own: a row, and an event that tells of it. */
const [connectionString, schema] = process.argv.slice(2);
if (connectionString === undefined || schema === undefined) throw new Error("url, schema");
const pool = new Pool({ connectionString, max: 1 });
const store = postgres({ pool, schema });
await store.transaction(async (tx) => {
  await tx.query(`INSERT INTO "${schema}".change VALUES ('w:1')`);
  await store.outbox.append(tx, [keyed("w", "w:1")]);
});
await pool.end();
