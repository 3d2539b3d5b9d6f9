import type { DomainEvent } from "../domain/domain-event.ts";
import { chainOf, type Occurrence } from "./occurrence.ts";

/** Where in a unit of work an error was thrown, when that was while a domain event was handled. */
export interface DomainFailure {
  readonly event: DomainEvent;
  /** The name of the handler; undefined when it was none: too long a cascade, or nobody to handle the event. */
  readonly handler: string | undefined;
  /** 1 for an event that the work recorded. */
  readonly depth: number;
  /** The types from the event that the work recorded to this one. */
  readonly chain: readonly string[];
}

const failureKey: unique symbol = Symbol.for("@postrider/core/domain-failure");

/**
 * Which domain event and which handler an error came from; undefined for any other error. The error that a unit of work
 * rejects with is the one that was thrown, itself: `instanceof` holds, and nothing wraps it. An error that nothing can be
 * added to (frozen, or no object) carries nothing: then the log tells.
 */
export function domainFailureOf(error: unknown): DomainFailure | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    return (error as { readonly [failureKey]?: DomainFailure })[failureKey];
  } catch {
    return undefined; // an object whose parts throw when they are read
  }
}

/** True when the error carries it from now on; what it carried before, of a unit inside or of an earlier time, goes. */
export function attachFailure(error: unknown, at: Occurrence, handler: string | undefined): boolean {
  if (typeof error !== "object" || error === null) return false;
  const failure: DomainFailure = { event: at.event, handler, depth: at.depth, chain: chainOf(at) };
  try {
    return Reflect.defineProperty(error, failureKey, {
      value: failure,
      configurable: true,
      enumerable: false,
    });
  } catch {
    return false; // a proxy
  }
}
