import type { Logger } from "../contracts/logger.ts";
import type { Message } from "../contracts/message.ts";
import { toError } from "../errors.ts";
import type { OutgoingBuffer } from "../work/unit.ts";
import type { BatchContext, DeliveryContext, HandlerContext } from "./context.ts";
import type { Lifetime } from "./lifetime.ts";
import type { StrayGuard } from "./stray.ts";
import type { Prepared } from "./work.ts";

/** Messages that a batch handler took out, with their errors. */
export type Failures = ReadonlyMap<Message, Error>;

export interface CallParts {
  readonly consumer: string;
  readonly stray: StrayGuard;
  readonly logger: Logger;
}

export interface Call {
  readonly prepared: readonly Prepared[];
  readonly tx: unknown;
  readonly buffer: OutgoingBuffer;
  readonly lifetime: Lifetime;
}

/** Calls the handler once, for one message or for the whole batch; what it leaves behind is told apart from others'. */
export function callHandler(parts: CallParts, call: Call): Promise<Failures> {
  const report = (error: Error) =>
    parts.logger.error("A handler left a promise behind that nobody awaits, and it was rejected", {
      consumer: parts.consumer,
      type: call.prepared[0]?.message.type,
      reason: error.message,
    });
  return parts.stray.run(report, () => callRoute(parts.consumer, call));
}

async function callRoute(consumer: string, { prepared, tx, buffer, lifetime }: Call): Promise<Failures> {
  const failures = new Map<Message, Error>();
  const [first] = prepared;
  if (first === undefined) return failures;
  const { route } = first.work;
  const shared = { consumer, tx, publish: buffer.publish, signal: lifetime.signal };
  if (route.mode === "single") {
    const context: HandlerContext<unknown> = { ...shared, ...deliveryContext(first) };
    await route.handler(first.message, context);
    return failures;
  }
  const byMessage = new Map(prepared.map((one) => [one.message, one]));
  const context: BatchContext<unknown, Message> = {
    ...shared,
    delivery: (message) => deliveryContext(byMessage.get(message) ?? first),
    fail: (message, error) => void failures.set(message, toError(error)),
  };
  const batch = prepared.map((one) => one.message);
  await route.handler(batch, context);
  return failures;
}

function deliveryContext({ work, headers, extensions }: Prepared): DeliveryContext {
  return { attempt: work.attempt, headers, extensions, tenant: work.facts.tenant };
}
