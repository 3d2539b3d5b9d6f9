import { parseArgs } from "node:util";
import { UsageError } from "./wiring/usage-error.ts";

export interface Arguments {
  readonly orders: number;
  readonly output: "text" | "json";
  /** Show the services' log while it runs. */
  readonly log: "shown" | "kept";
  /** Kill the process of the relays on the way. */
  readonly killRelay: boolean;
  readonly help: boolean;
}

export const help = `npm start -- [--orders N] [--json] [--kill-relay] [--verbose]

Two services, orders and shipping, from an HTTP request to a shipment, with duplicates and a
poisoned order on the way. Without the variables below everything is embedded in one process.

  --orders N   orders to place, 1 to 100000 (20)
  --json       one line of JSON last on stdout
  --kill-relay the relays in a process of their own, killed four times mid-run; needs both URLs
               below and 100 orders or more
  --verbose    warnings and errors of the services on stderr, as they come
  --help       this

  DATABASE_URL=postgres://…                  PostgreSQL instead of PGlite
  BROKER_URL=amqp://…                        RabbitMQ instead of the broker in memory
  BROKER_URL=redis://…                       Redis Streams instead of it
  OTEL_EXPORTER_OTLP_ENDPOINT=http://…:4318  every span to a collector
  OTEL_TRACES_EXPORTER=console               every span on the terminal
  OTEL_METRICS_EXPORTER=console              metrics on the terminal, at the end

Exit code: 0 when every order has one shipment, 1 when not, 2 for a wrong call, 130 after Ctrl-C.`;

const mostOrders = 100_000;
const fewestOrdersToKill = 100;

/** @throws UsageError saying in one line what is wrong. */
export function parseArguments(args: readonly string[]): Arguments {
  const given = parse(args);
  const { json, verbose, help: asked } = given;
  const orders = countOf(given.orders);
  const killRelay = given["kill-relay"];
  if (killRelay && orders < fewestOrdersToKill)
    throw new UsageError(
      `--kill-relay takes --orders of at least ${fewestOrdersToKill}: the relays are to die while there is work`,
    );
  return {
    orders,
    killRelay,
    output: json ? "json" : "text",
    log: verbose ? "shown" : "kept",
    help: asked,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: withValues(args),
      options: {
        orders: { type: "string", default: "20" },
        json: { type: "boolean", default: false },
        "kill-relay": { type: "boolean", default: false },
        verbose: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    const [said = ""] = String(error instanceof Error ? error.message : error).split(/\.? *\n|\. /);
    throw new UsageError(`${said}. See npm start -- --help`, { cause: error });
  }
}

/** What follows `--orders` is its value, also where it looks like an option: -5 gets a sentence of its own. */
function withValues(args: readonly string[]): string[] {
  const at = args.indexOf("--orders");
  const value = at < 0 ? undefined : args[at + 1];
  return value === undefined ? [...args] : args.toSpliced(at, 2, `--orders=${value}`);
}

function countOf(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= mostOrders) return count;
  throw new UsageError(
    `--orders takes a whole number from 1 to ${mostOrders}, not "${text}". See npm start -- --help`,
  );
}
