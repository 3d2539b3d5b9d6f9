// One service in a process of its own. Its parent tells it which, calls it, and ends it.
import { createLog } from "../demo/log.ts";
import { linesOn } from "../demo/progress.ts";
import { startOrders } from "../orders/start.ts";
import { startShipping } from "../shipping/start.ts";
import { recordSpansOf, type RecordedSpan } from "../telemetry/span-recorder.ts";
import { startTelemetry } from "../telemetry/telemetry.ts";
import { openBroker } from "../wiring/brokers.ts";
import { openDatabases } from "../wiring/database.ts";
import { started } from "../wiring/closers.ts";
import type { Logger } from "@postrider/core";
import { startRelays } from "../relays/start.ts";
import type { Closers } from "../wiring/closers.ts";
import type { CallMessage, FromChild, StartMessage, ToChild } from "./protocol.ts";

/** A service as its parent sees it: methods by name, one of them `close`. */
type Callable = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

let running: Promise<Callable> | undefined;

process.on("message", (message: ToChild) => {
  if (message.kind === "start") running = begin(message);
  else void answer(message);
});
// Ctrl-C reaches every process of the terminal; the parent decides in which order they end.
process.on("SIGINT", () => {});
process.once("SIGTERM", () => void end());
process.once("disconnect", () => void end());

async function begin(start: StartMessage): Promise<Callable> {
  const { service, traceId } = start;
  const log = createLog((line) => send({ kind: "log", line }));
  try {
    const callable = await started(async (opened): Promise<Callable> => {
      const recorder = recordSpansOf(traceId);
      const telemetry = startTelemetry({
        serviceName: service,
        env: process.env,
        recorder,
        notice: linesOn(process.stderr),
      });
      opened.add(telemetry.shutdown);
      const spans = async (): Promise<readonly RecordedSpan[]> => recorder.spans();
      const begun = await startService(start, log.logger, opened);
      opened.add(begun.close);
      return { ...begun, spans, close: opened.closeAll };
    });
    send({ kind: "started" });
    return callable;
  } catch (error) {
    send({ kind: "failed", reason: reasonOf(error) });
    process.exitCode = 1;
    process.disconnect?.();
    return {};
  }
}

async function startService({ service, choice, relay }: StartMessage, logger: Logger, opened: Closers) {
  const broker = openBroker(choice.broker);
  if (service === "relays") {
    const databases = await openDatabases(choice.database, ["orders", "shipping"], opened);
    return startRelays({ broker, databases, logger });
  }
  const database = (await openDatabases(choice.database, [service], opened))[service];
  const options = { broker, database, logger, relay };
  return service === "orders" ? startOrders(options) : startShipping(options);
}

async function answer({ id, method, args }: CallMessage): Promise<void> {
  try {
    const target = (await running)?.[method];
    if (target === undefined) throw new Error(`There is no ${method}.`);
    send({ kind: "answer", id, value: await target(...(args as never[])) });
  } catch (error) {
    send({ kind: "refused", id, reason: reasonOf(error) });
  }
}

/** The service closes once, however often it is asked; then nothing keeps the process. */
async function end(): Promise<void> {
  await (await running)?.["close"]?.().catch((error: unknown) => {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = 1;
  });
  if (process.connected) process.disconnect();
}

function send(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
