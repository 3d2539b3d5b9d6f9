import type { Logger } from "../contracts/logger.ts";
import { DomainEventCascadeError, MessagingError } from "../errors.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { DomainHandler } from "./domain-handlers.ts";
import { attachFailure } from "./domain-failure.ts";
import type { HandlerTable } from "./handler-table.ts";
import type { Occurrence } from "./occurrence.ts";
import type { Recorded } from "./recorded.ts";

/*
 * From recorded events to quiet: what is dirty is saved, then the event that was recorded first goes to its handlers,
 * one after another on the one transaction; what they change is saved before the next one looks, and what they record
 * joins the end of the line. Over when no event is left and nothing is dirty.
 */

export interface DispatchParts {
  readonly recorded: Recorded;
  /** As it is now: a unit that joins may bring handlers. */
  readonly table: () => HandlerTable;
  readonly unhandled: "ignore" | "throw";
  /** Makes this the event that is being handled; what `work` calls runs with its context and what events inherit of it. */
  readonly enter: (occurrence: Occurrence, work: (call: Call) => Promise<void>) => Promise<void>;
  /** Throws when the unit cannot commit any more, or is not wanted. Asked before each handler. */
  readonly assertGoing: () => void;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
}

/** Calls one handler of the event that is being handled. */
export type Call = (handler: DomainHandler) => Promise<void>;

/** @throws the first error of a handler, itself; DomainEventCascadeError; USAGE_DOMAIN_EVENT_UNHANDLED. */
export async function dispatch(parts: DispatchParts): Promise<void> {
  const { recorded } = parts;
  await recorded.flush(undefined);
  for (let next = recorded.next(); next !== undefined; next = recorded.next()) await handle(parts, next);
}

async function handle(parts: DispatchParts, occurrence: Occurrence): Promise<void> {
  const handlers = parts.table().of(occurrence.event.type);
  if (handlers.length > 0)
    return parts.enter(occurrence, (call) => callAll(parts, handlers, occurrence, call));
  if (parts.unhandled === "throw") {
    const error = unhandledError(occurrence);
    attachFailure(error, occurrence, undefined);
    throw error;
  }
}

async function callAll(
  parts: DispatchParts,
  handlers: readonly DomainHandler[],
  occurrence: Occurrence,
  call: Call,
): Promise<void> {
  for (const handler of handlers) {
    parts.assertGoing();
    try {
      await parts.telemetry.handleDomainEvent(factsOf(handler, occurrence), async () => {
        await call(handler);
        await parts.recorded.flush(occurrence);
      });
    } catch (error) {
      tellPlace(error, handler, occurrence, parts.logger);
      throw error;
    }
  }
}

/** The error stays what it is; where it came from is added to it, or told in the log where nothing can be added. */
function tellPlace(error: unknown, handler: DomainHandler, occurrence: Occurrence, logger: Logger): void {
  const { event, depth } = occurrence;
  if (error instanceof DomainEventCascadeError || attachFailure(error, occurrence, handler.name)) return;
  logger.warn("A handler of a domain event threw something that nothing can be added to", {
    type: event.type,
    id: event.id,
    handler: handler.name,
    depth,
  });
}

function factsOf(handler: DomainHandler, { event, depth }: Occurrence) {
  return { type: event.type, id: event.id, handler: handler.name, depth };
}

function unhandledError({ event, depth }: Occurrence): MessagingError {
  return new MessagingError(
    "USAGE_DOMAIN_EVENT_UNHANDLED",
    `Nobody handles the domain event '${event.type}'. Add a handler with on(…) or map(…), or let unhandled be 'ignore'.`,
    { context: { type: event.type, depth } },
  );
}
