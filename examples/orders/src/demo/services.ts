import { startOrders, type Orders } from "../orders/start.ts";
import { startProcess, type ServiceProcess } from "../processes/start-process.ts";
import { startShipping, type Shipping } from "../shipping/start.ts";
import { recordSpansOf, type RecordedSpan } from "../telemetry/span-recorder.ts";
import { startTelemetry } from "../telemetry/telemetry.ts";
import type { ServiceName } from "../processes/protocol.ts";
import type { Broker } from "../wiring/brokers.ts";
import type { Choice } from "../wiring/choose.ts";
import { started } from "../wiring/closers.ts";
import { openDatabases } from "../wiring/database.ts";
import type { Log } from "./log.ts";
import { linesOn } from "./progress.ts";

/** Both services at work. */
export interface Services {
  readonly orders: Omit<Orders, "close">;
  readonly shipping: Omit<Shipping, "close">;
  /** The process of the relays, where it is one of its own: ends it as a crash does, and starts another. */
  readonly killRelays: (() => Promise<void>) | undefined;
  /** What both have recorded of the watched trace. */
  spans(): Promise<readonly RecordedSpan[]>;
  /** Each drains and closes; then telemetry is sent. */
  close(): Promise<void>;
}

export interface ServicesOptions {
  readonly choice: Choice;
  readonly broker: Broker;
  /** Where the relays are: in their services, or in a process of their own. */
  readonly relay: "inside" | "apart";
  /** The trace whose spans are kept. */
  readonly traceId: string;
  readonly log: Log;
  /** Stops the start between two of its steps: what was opened is closed then. */
  readonly signal?: AbortSignal | undefined;
}

/** A broker in memory does not leave its process, so both services share it; a real one gets two processes. */
export function startServices(options: ServicesOptions): Promise<Services> {
  return options.choice.broker.kind === "memory" ? startTogether(options) : startApart(options);
}

function startTogether({
  choice,
  broker,
  traceId,
  log: { logger },
  signal,
}: ServicesOptions): Promise<Services> {
  return started(async (opened) => {
    const recorder = recordSpansOf(traceId);
    const telemetry = startTelemetry({
      serviceName: "orders-example",
      env: process.env,
      recorder,
      notice: linesOn(process.stderr),
    });
    opened.add(telemetry.shutdown);
    const databases = await openDatabases(choice.database, ["orders", "shipping"], opened);
    const relay = "inside";
    const shipping = await startShipping({ broker, database: databases.shipping, logger, relay });
    opened.add(shipping.close);
    const orders = await startOrders({ broker, database: databases.orders, logger, relay });
    opened.add(orders.close);
    const spans = async () => recorder.spans();
    return { orders, shipping, killRelays: undefined, spans, close: opened.closeAll };
  }, signal);
}

/** Each in a child process of this one. */
export function startApart(options: Omit<ServicesOptions, "broker">): Promise<Services> {
  const { choice, relay, traceId, log, signal } = options;
  return started(async (opened) => {
    const start = async (service: ServiceName): Promise<ServiceProcess> => {
      const one = await startProcess({ kind: "start", service, choice, relay, traceId }, log.add);
      opened.add(one.close);
      return one;
    };
    const [shipping, orders] = await both(start("shipping"), start("orders"));
    // After the services: they make the tables.
    let relays = relay === "apart" ? await start("relays") : undefined;
    return {
      killRelays:
        relays === undefined
          ? undefined
          : async () => {
              await relays?.kill();
              relays = await start("relays");
            },
      orders: remote<Orders>(orders, ["url", "list", "countShipped"]),
      shipping: remote<Shipping>(shipping, ["counts", "countShipments"]),
      spans: async () => {
        const kept = await Promise.all(
          [orders, shipping].map((one) => one.call("spans") as Promise<RecordedSpan[]>),
        );
        return kept.flat();
      },
      close: opened.closeAll,
    };
  }, signal);
}

/** The methods of a service, each a call to its process. */
function remote<Service>(
  one: ServiceProcess,
  methods: readonly (keyof Omit<Service, "close"> & string)[],
): Omit<Service, "close"> {
  const calls = methods.map((method) => [method, (...args: unknown[]) => one.call(method, ...args)]);
  return Object.fromEntries(calls) as Omit<Service, "close">;
}

/** Waits for both before it fails: what the other one opened is then known, and closed. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}
