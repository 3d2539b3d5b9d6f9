import { drawTrace } from "../telemetry/trace-tree.ts";
import type { Choice } from "../wiring/choose.ts";
import { schemaOf } from "../wiring/database.ts";
import { problemsOf } from "./figures.ts";
import type { Outcome } from "./run.ts";

/** How words are made to stand out; the plain text where nobody sees colours. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** Everything that a newcomer wants to see of a run, as lines. The verdict comes last. */
export function reportLines(outcome: Outcome, choice: Choice, paint: Paint): string[] {
  return [
    ...headLines(choice, paint),
    "",
    ...figureLines(outcome, paint),
    "",
    ...watchedLines(outcome, paint),
    "",
    ...nextLines(choice, paint),
    "",
    ...verdictLines(outcome, paint),
  ];
}

function headLines({ broker, database }: Choice, paint: Paint): string[] {
  const brokerIs = broker.kind === "memory" ? "memory, inside this process" : broker.kind;
  const storeIs =
    database.kind === "pglite"
      ? "pglite, a PostgreSQL inside this process for each service"
      : `${database.kind}, schemas ${schemaOf("orders")} and ${schemaOf("shipping")}`;
  return [
    paint.strong("Two services, orders and shipping, from an HTTP request to a shipment"),
    `${paint.faint("broker")}  ${brokerIs}`,
    `${paint.faint("store ")}  ${storeIs}`,
  ];
}

function figureLines({ figures, url, retries, letter }: Outcome, paint: Paint): string[] {
  const { placed, published, duplicatesInjected, duplicatesDropped, effects, deadLettered, kills } = figures;
  const rows: (readonly [count: number, what: string, how: string])[] = [
    [placed, "orders placed over HTTP", `POST ${url}/orders`],
    [published, "events relayed", "from the outbox to the broker, counted by an audit group"],
    [duplicatesInjected, "duplicates injected", "by a client that knows nothing of this library"],
    [duplicatesDropped, "duplicates dropped", "by the inbox of shipping"],
    [retries, retries === 1 ? "retry" : "retries", "the carrier did not answer the first time"],
    ...(kills === 0 ? [] : [[kills, "kills", "of the relays' process, on the way"] as const]),
    [effects, "shipments made", "counted in the table of shipments"],
    [
      deadLettered,
      deadLettered === 1 ? "dead letter" : "dead letters",
      letter === undefined ? "" : reasonOf(letter),
    ],
  ];
  const countWidth = Math.max(...rows.map(([count]) => String(count).length));
  const whatWidth = Math.max(...rows.map(([, what]) => what.length));
  return rows.map(([count, what, how]) =>
    `  ${paint.strong(String(count).padStart(countWidth))}  ${what.padEnd(whatWidth)}  ${paint.faint(how)}`.trimEnd(),
  );
}

function reasonOf({ orderId, reason, message }: NonNullable<Outcome["letter"]>): string {
  return `order ${orderId.slice(0, 8)}, ${reason}: ${message}`;
}

function watchedLines({ watched, traceId, spans }: Outcome, paint: Paint): string[] {
  const order =
    watched === undefined
      ? "One order"
      : `Order ${watched.orderId.slice(0, 8)} is ${watched.status}, tracking code ${watched.trackingCode ?? "none"}`;
  return [
    paint.strong(`${order}; its way as one trace, ${traceId}`),
    ...(spans.length === 0 ? ["no spans were recorded"] : drawTrace(spans)).map((line) => `  ${line}`),
  ];
}

function nextLines(choice: Choice, paint: Paint): string[] {
  const rows: (readonly [where: string, what: string])[] = [
    ["examples/orders/src/contracts/order-placed.ts", "an event: type, schema, key"],
    ["examples/orders/src/orders/place-order.ts", "an order and its event in one transaction"],
    ["examples/orders/src/shipping/ship-order.ts", "inbox, shipment and follow-up event in one transaction"],
    ["examples/orders/README.md", "all files, and how to run it on servers"],
    ["ARCHITECTURE.md", "the path of an event, and where it is durable"],
    ["npm start -- --orders 500 --json", "more orders, and the figures as JSON"],
    ...(choice.broker.kind === "memory"
      ? ([["BROKER_URL=amqp://… npm start", "the same code on RabbitMQ"]] as const)
      : []),
    ...(choice.database.kind === "pglite"
      ? ([["DATABASE_URL=postgres://… npm start", "the same code on PostgreSQL"]] as const)
      : []),
  ];
  const width = Math.max(...rows.map(([where]) => where.length));
  return [
    paint.strong("Where to look next"),
    ...rows.map(([where, what]) => `  ${where.padEnd(width)}  ${paint.faint(what)}`),
  ];
}

function verdictLines({ figures, unfinished }: Outcome, paint: Paint): string[] {
  const problems = problemsOf(figures, unfinished);
  const { lost, effects, placed, seconds } = figures;
  const sign = effects === placed ? "=" : "≠";
  const verdict = `lost ${lost}, effects ${sign} placed (${effects} ${sign} ${placed}), ${seconds.toFixed(1)} s`;
  return problems.length === 0
    ? [paint.good(verdict)]
    : [paint.bad(verdict), ...problems.map((problem) => `  ${problem}`)];
}
