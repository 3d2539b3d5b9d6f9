import { createRelay, memory, type OutgoingMessage, type PublishOutcome } from "@postrider/core";
import { postgres } from "@postrider/postgres";
import { type PublishPoint, stopPublishing } from "@postrider/test-servers";
import { Pool } from "pg";

/*
 * A relay in a process of its own. Its broker is a table: what stands there was delivered, in this order. Tells its state,
 * stops at a point if one is given, and ends well on SIGTERM.
 */
const [connectionString, schema, point] = process.argv.slice(2);
if (connectionString === undefined || schema === undefined) throw new Error("url, schema");
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const pool = new Pool({ connectionString, max: 4 });
const transport = memory();
const deliver = async (messages: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]> => {
  await pool.query(
    `INSERT INTO "${schema}".delivered (id, pid)
     SELECT id, $2 FROM unnest($1::text[]) WITH ORDINALITY AS sent (id, place) ORDER BY place`,
    [messages.map(({ attributes }) => attributes["id"]), process.pid],
  );
  return messages.map(() => ({ status: "confirmed" }));
};
const direct = { publish: deliver, publishRun: deliver };
const publisher = isPoint(point) ? stopPublishing(direct, point) : direct;
await transport.connect();
const relay = createRelay({
  store: postgres({ pool, schema, logger: silent }),
  transport: { ...transport, publisher },
  leaseMs: 1_500,
  maxPollMs: 100,
  logger: silent,
});
relay.start();

let said = "";
// Kept alive by this interval, and by nothing else once the relay has ended.
const telling = setInterval(() => {
  const { state } = relay.health();
  if (state !== said) process.send?.({ state });
  said = state;
}, 5);
process.once("SIGTERM", () => {
  clearInterval(telling);
  void relay
    .stop()
    .then(() => pool.end())
    .then(() => process.disconnect());
});
process.once("disconnect", () => process.exit(0));

function isPoint(value: string | undefined): value is PublishPoint {
  return value === "after-read" || value === "after-publish";
}
