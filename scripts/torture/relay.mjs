// One relay, a process of its own. Tells when it begins to lead, and ends well on SIGTERM.
import { createRelay } from "@postrider/core";
import { postgres } from "@postrider/postgres";
import { Pool } from "pg";
import { connectionOf } from "./database.mjs";
import { passByNumber } from "./mistake.mjs";
import { sinkTransport } from "./sink-transport.mjs";

/** The bound of the torture: a relay that was killed is missed for no longer. */
const leaseMs = 1_500;

const [connectionString, schema, port, mark, mode] = process.argv.slice(2);
const pool = new Pool({ connectionString, max: 4 });
const store = postgres({ pool, schema, connection: connectionOf(mode, connectionString) });
const transport = sinkTransport(Number(port));
await transport.connect();
const source = mark === "last-seen" ? { ...store, relay: passByNumber(store.relay, pool, schema) } : store;
const relay = createRelay({
  store: source,
  transport,
  leaseMs,
  maxPollMs: mode === "notify" ? 1_000 : 100,
});
relay.start();

let said = "";
const telling = setInterval(() => {
  const { state } = relay.health();
  if (state !== said) process.send?.({ state });
  said = state;
}, 20);

const end = async () => {
  clearInterval(telling);
  await relay.stop();
  await transport.close();
  await store.close();
  await pool.end();
  process.disconnect();
};
process.once("SIGTERM", () => void end());
process.once("disconnect", () => process.exit(1));
