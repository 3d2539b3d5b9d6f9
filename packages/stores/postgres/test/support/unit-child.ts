import { domainHandlers } from "@postrider/core";
import { defineDomainEvent, type DomainEvent } from "@postrider/core/domain";
import { createMessaging, memory } from "@postrider/core";
import { Pool } from "pg";
import { postgres } from "@postrider/postgres";
import { Counted, silent } from "./service.ts";

/* A process that runs one unit of work with a domain event. Somebody else decides whether it ever ends. */
const [connectionString, schema] = process.argv.slice(2);
if (connectionString === undefined || schema === undefined) throw new Error("url, schema");

type Paid = DomainEvent<"paid", { readonly order: string }>;
const Paid = defineDomainEvent<Paid>("paid");

const store = postgres({ pool: new Pool({ connectionString, max: 3 }), schema });
const messaging = await createMessaging({
  source: "/test",
  broker: memory(),
  store,
  relay: false,
  logger: silent,
});
const handlers = domainHandlers({ store })
  .on(
    Paid,
    async (_event, { tx }) => void (await tx.query(`INSERT INTO "${schema}".effect VALUES ('handler')`)),
  )
  .map(Paid, ({ data: { order } }) => Counted({ name: order }));
await messaging.unitOfWork(handlers, { journal: true }).run(async ({ tx, record }) => {
  await tx.query(`INSERT INTO "${schema}".effect VALUES ('work')`);
  record(Paid({ order: "1" }));
});
process.send?.("committed");
