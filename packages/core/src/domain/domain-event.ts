import { eventId } from "./event-id.ts";
import { frozenCopy } from "./frozen-copy.ts";

/*
 * Something that happened inside a service, told to other parts of the same service. This folder imports nothing, not
 * even Node: a domain model that depends on it depends on nothing else. What an event needs is made when it is made:
 * its id by the global `crypto`, its time by `Date`, or as they are given.
 */

/** Same three members as the draft of an integration event, another `kind`: that keeps it inside the service. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly kind: "domain-event";
  readonly type: Type;
  /** Frozen, as deep as it is made of plain objects and arrays; what was passed in stays as it is. */
  readonly data: Data;
  /** A UUIDv7. */
  readonly id: string;
  /** A new Date at each access: nobody can change the event by changing it. */
  readonly occurredAt: Date;
}

/** What an event is given instead of what it would make for itself: in tests, and by a domain with a clock. */
export interface DomainEventOptions {
  /** Default: a UUIDv7. */
  readonly id?: string | undefined;
  /** Default: now. */
  readonly occurredAt?: Date | undefined;
}

/** Makes domain events of one type when it is called with their data. */
export interface DomainEventDefinition<E extends DomainEvent> {
  /**
   * The event, complete and frozen.
   *
   * @throws TypeError when `occurredAt` is no valid Date.
   */
  (data: E["data"], options?: DomainEventOptions): E;
  readonly kind: "domain-event";
  /** The type of its events. */
  readonly type: E["type"];
  /** True for an event of this type. */
  is(event: DomainEvent): event is E;
}

/**
 * A domain event, to be called with its data. One explicit argument names both:
 * `type OrderPaid = DomainEvent<"order-paid", { orderId: string }>; const OrderPaid = defineDomainEvent<OrderPaid>("order-paid")`.
 *
 * @throws TypeError when the type is no text, or empty.
 */
export function defineDomainEvent<E extends DomainEvent>(type: E["type"]): DomainEventDefinition<E> {
  if (typeof type !== "string" || type === "")
    throw new TypeError("defineDomainEvent: the type must be a text that is not empty, such as 'order-paid'");
  const define = (data: E["data"], options: DomainEventOptions = {}): E => {
    const ms = timeOf(type, options.occurredAt);
    const event: DomainEvent<E["type"], E["data"]> = {
      kind: "domain-event",
      type,
      data: frozenCopy(data),
      id: options.id ?? eventId(ms),
      get occurredAt() {
        return new Date(ms);
      },
    };
    return Object.freeze(event) as E; // of the one type that the definition is for
  };
  const is = (event: DomainEvent): event is E => event?.kind === "domain-event" && event.type === type;
  return Object.freeze(Object.assign(define, { kind: "domain-event", type, is } as const));
}

function timeOf(type: string, given: Date | undefined): number {
  const ms = given === undefined ? Date.now() : given.getTime();
  if (Number.isNaN(ms)) throw new TypeError(`The event '${type}': occurredAt must be a valid Date`);
  return ms;
}
