import { randomBytes } from "node:crypto";
import { z } from "zod";
import { OrderPlaced } from "../contracts/order-placed.ts";
import type { RawClient } from "../raw/raw-client.ts";
import { startRawClient } from "../raw/start.ts";
import type { RecordedSpan } from "../telemetry/span-recorder.ts";
import { checkAddress, openBroker } from "../wiring/brokers.ts";
import type { Choice } from "../wiring/choose.ts";
import { closing } from "../wiring/closers.ts";
import { startAudit, type Audit, type PutAside } from "./audit.ts";
import { chooseDuplicates, type DuplicateChoice } from "./choose-duplicates.ts";
import { countRun } from "./count.ts";
import type { Figures } from "./figures.ts";
import { lockDatabase } from "./lock-database.ts";
import type { Log } from "./log.ts";
import { createRelayKiller } from "./relay-killer.ts";
import { placeOrders, type Placed } from "./place-orders.ts";
import { planRun, type Plan } from "./plan.ts";
import { startServices, type Services } from "./services.ts";
import { waitUntil, type Condition } from "./wait-until.ts";

export interface RunOptions {
  readonly choice: Choice;
  readonly orders: number;
  /** Kill the process of the relays on the way. */
  readonly killRelay: boolean;
  /** Ends the run early: everything under way is drained and closed, and the run rejects with the signal's reason. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onProgress: (said: string) => void;
}

/** A run, and what is worth showing of it. */
export interface Outcome {
  readonly figures: Figures;
  /** What was still waited for when it ended; undefined when nothing was. */
  readonly unfinished: string | undefined;
  readonly url: string;
  readonly retries: number;
  readonly letter: PutAside | undefined;
  readonly watched: WatchedOrder | undefined;
  readonly traceId: string;
  readonly spans: readonly RecordedSpan[];
}

const WatchedOrder = z.object({
  orderId: z.string(),
  reference: z.string(),
  status: z.string(),
  trackingCode: z.string().nullable(),
});
type WatchedOrder = z.infer<typeof WatchedOrder>;

/** Both services take it from the definition; a raw client has to know. */
const ordersChannel = "com.acme.orders";
/** Longer than a lease of a relay that was killed lasts. */
const stallMs = 30_000;

/** Starts the services, places orders, sends some events twice, waits until all is done, and counts. */
export function run(options: RunOptions): Promise<Outcome> {
  const { choice, orders: count, signal, log, onProgress } = options;
  return closing(async (opened) => {
    onProgress("starting the services");
    const broker = openBroker(choice.broker);
    await checkAddress(broker);
    opened.add(await lockDatabase(choice.database));
    const traceId = randomBytes(16).toString("hex");
    const plan = planRun(`run-${randomBytes(4).toString("hex")}`, count);
    // Before the first order, so that it misses no event.
    const audit = await startAudit(broker, plan, log.logger);
    opened.add(audit.close);
    const relay = options.killRelay ? "apart" : "inside";
    const services = await startServices({ choice, broker, relay, traceId, log, signal });
    opened.add(services.close);
    const duplicates = chooseDuplicates(plan);
    const raw = await startRawClient(broker, {
      channel: ordersChannel,
      type: OrderPlaced.type,
      sendAgain: duplicates.sendAgain,
    });
    opened.add(raw.close);

    const startedAtMs = performance.now();
    const url = await services.orders.url();
    const onPlaced = (placed: number) => onProgress(`placing orders (${placed} of ${count})`);
    const { published } = audit;
    const killer =
      services.killRelays === undefined
        ? undefined
        : createRelayKiller({ killRelays: services.killRelays, orders: count, published, signal });
    const placed = await placeOrders({
      url,
      plan,
      traceId,
      signal,
      onPlaced,
      beforeOrder: killer?.beforeOrder,
    });
    await killer?.ended();
    const conditions = whenDone({ plan, placed, audit, duplicates, raw, services });
    const unfinished = await waitUntil(conditions, { stallMs, signal, onProgress });
    signal.throwIfAborted();
    const seconds = Math.round(performance.now() - startedAtMs) / 1_000;

    const { duplicate, retried } = await services.shipping.counts();
    const letter = audit.letterOf(placed.poisonedId);
    return {
      figures: {
        broker: choice.broker.kind,
        store: choice.database.kind,
        placed: placed.placed,
        published: audit.published(),
        ...(await counted(services, plan)),
        duplicatesInjected: raw.injected(),
        duplicatesDropped: duplicate,
        deadLettered: letter === undefined ? 0 : 1,
        kills: killer?.kills() ?? 0,
        seconds,
      },
      unfinished,
      url,
      retries: retried,
      letter,
      watched: await look(url, placed.watchedId),
      traceId,
      spans: await services.spans(),
    };
  }, signal);
}

interface Done {
  readonly plan: Plan;
  readonly placed: Placed;
  readonly audit: Audit;
  readonly duplicates: DuplicateChoice;
  readonly raw: RawClient;
  readonly services: Services;
}

/** In the order of the path. The last one that moves is what a run that hangs is reported with. */
function whenDone({ plan, placed, audit, duplicates, raw, services }: Done): Condition[] {
  const all = () => placed.placed;
  return [
    { what: "events at the audit group", reached: audit.published, of: all },
    {
      what: "events at the client that sends duplicates",
      reached: duplicates.seen,
      of: () => placed.placed + 1,
    },
    {
      what: "orders marked as shipped",
      reached: () => services.orders.countShipped(plan.referencePrefix),
      of: all,
    },
    {
      what: "duplicates dropped",
      reached: async () => (await services.shipping.counts()).duplicate,
      of: raw.injected,
    },
    {
      what: "the dead letter of the poisoned order",
      reached: () => (audit.letterOf(placed.poisonedId) ? 1 : 0),
      of: () => 1,
    },
  ];
}

function counted({ orders, shipping }: Services, plan: Plan) {
  return countRun(orders, shipping, plan);
}

/** As a customer sees it. */
async function look(url: string, orderId: string | undefined): Promise<WatchedOrder | undefined> {
  if (orderId === undefined) return undefined;
  const response = await fetch(`${url}/orders/${orderId}`);
  return response.ok ? WatchedOrder.parse(await response.json()) : undefined;
}
