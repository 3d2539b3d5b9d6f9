import type { Logger } from "../../contracts/logger.ts";
import type { Message } from "../../contracts/message.ts";
import { MessagingError } from "../../errors.ts";
import { soundError } from "../../failure/sound-error.ts";
import { answerOf } from "../../request/answer.ts";
import type { UnitOfWork } from "../../work/context.ts";
import type { BatchContext, DeliveryContext, HandlerContext, TransactionContext } from "../context.ts";
import type { Route } from "../definition.ts";
import type { Lifetime } from "./lifetime.ts";
import { refuseOvertaking } from "./overtaking.ts";
import type { StrayGuard } from "./stray.ts";
import type { Prepared, Work } from "../work.ts";

/** Messages that a batch handler took out, with their errors. */
export type Failures = ReadonlyMap<Message, Error>;

export interface CallParts {
  readonly consumer: string;
  readonly laneOf: (work: Work) => string | undefined;
  readonly stray: StrayGuard;
  readonly logger: Logger;
}

export interface Call {
  readonly prepared: readonly Prepared[];
  readonly unit: UnitOfWork<unknown>;
  readonly lifetime: Lifetime;
}

/** Calls the handler once, for one message or for the whole batch; what it leaves behind is told apart from others'. */
export function callHandler(parts: CallParts, call: Call): Promise<Failures> {
  return withoutStrays(parts, call.prepared, () => callRoute(parts, call));
}

/** Runs code of the user's that works on these messages; what it leaves behind is told apart from others'. */
export function withoutStrays<R>(
  parts: CallParts,
  prepared: readonly Prepared[],
  work: () => Promise<R>,
): Promise<R> {
  const report = (error: Error) =>
    parts.logger.error("A handler left a promise behind that nobody awaits, and it was rejected", {
      consumer: parts.consumer,
      type: prepared[0]?.message.type,
      reason: error.message,
    });
  return parts.stray.run(report, work);
}

async function callRoute(parts: CallParts, { prepared, unit, lifetime }: Call): Promise<Failures> {
  const [first] = prepared;
  if (first === undefined) return none;
  const { route } = first.work;
  const shared = { ...unit, consumer: parts.consumer, signal: lifetime.signal };
  if (route.mode === "batch") return callBatch(parts, route, prepared, shared);
  const context: HandlerContext<unknown> = { ...shared, ...deliveryContext(first) };
  const returned: unknown = await route.handler(first.message, context);
  const { asker } = first.work.facts;
  if (asker !== undefined) unit.publish(answerOf(route.parts, asker, returned));
  return none;
}

const none: Failures = new Map();

async function callBatch(
  parts: CallParts,
  route: Extract<Route, { mode: "batch" }>,
  prepared: readonly Prepared[],
  shared: TransactionContext<unknown>,
): Promise<Failures> {
  const failures = new Map<Message, Error>();
  const byMessage = new Map(prepared.map((one) => [one.message, one]));
  let ended = false;
  const given = (message: Message, verb: string): Prepared => {
    const one = byMessage.get(message);
    if (one === undefined) throw notOfBatch(verb);
    return one;
  };
  const context: BatchContext<unknown, Message> = {
    ...shared,
    delivery: (message) => deliveryContext(given(message, "delivery")),
    fail: (message, error) => {
      if (ended) throw batchEnded();
      failures.set(given(message, "fail").message, soundError(error));
    },
  };
  try {
    await route.handler(
      prepared.map((one) => one.message),
      context,
    );
  } finally {
    ended = true;
  }
  const works = prepared.map((one) => one.work);
  refuseOvertaking(works, (_, index) => isFailed(prepared[index], failures), parts.laneOf);
  return failures;
}

function isFailed(prepared: Prepared | undefined, failures: Failures): boolean {
  return prepared !== undefined && failures.has(prepared.message);
}

function deliveryContext({ work, headers, extensions }: Prepared): DeliveryContext {
  return { attempt: work.attempt, headers, extensions, tenant: work.facts.tenant };
}

function notOfBatch(verb: string): MessagingError {
  return new MessagingError(
    "USAGE_WRONG_KIND",
    `${verb} takes a message of the batch itself, not a copy or one of another batch.`,
  );
}

function batchEnded(): MessagingError {
  return new MessagingError(
    "USAGE_UNIT_CLOSED",
    "fail was called after its batch had ended. Await everything before the handler returns.",
  );
}
