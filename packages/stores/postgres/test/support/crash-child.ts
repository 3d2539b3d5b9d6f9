import { Pool } from "pg";
import { postgres } from "@postrider/postgres";
import { deliver, relayAll, writeOne } from "./crash-work.ts";

/* A process that writes and relays without end, until somebody kills it. Says "ready" once it has relayed a page. */
const [connectionString, schema, name] = process.argv.slice(2);
if (connectionString === undefined || schema === undefined || name === undefined)
  throw new Error("url, schema, name");

const pool = new Pool({ connectionString, max: 6 });
const store = postgres({ pool, schema });

const writing = async (): Promise<never> => {
  for (;;) await writeOne(store, schema);
};
const relaying = async (): Promise<never> => {
  for (;;) {
    const lease = await store.relay.acquire(name, 400);
    if (lease === undefined) continue;
    do {
      const passed = await relayAll(store.relay, lease, (event) => deliver(pool, schema, event));
      if (passed > 0) process.send?.("ready");
    } while (await store.relay.renew(lease, 400));
  }
};
await Promise.all([writing(), writing(), relaying()]);
