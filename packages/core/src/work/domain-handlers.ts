import type { Transactor } from "../contracts/transaction.ts";
import type { DomainEvent, DomainEventDefinition } from "../domain/domain-event.ts";
import { OptionsError } from "../errors.ts";
import type { EventDraft } from "../event/draft.ts";
import { problemsOfOptions, type OptionNames } from "../options/names.ts";
import type { DomainContext } from "./context.ts";
import type { UntypedTransaction } from "./untyped.ts";

/** Where a handler stands among the others of its type, and what it is called. */
export interface DomainHandlerOptions {
  /** Handlers of one type run by this number, lower first, and then in the order of registration. Default 0. */
  readonly order?: number | undefined;
  /** In spans and errors. Default: the function's own name, or the type with the handler's number. */
  readonly name?: string | undefined;
}

/** What one domain event becomes for other services: nothing, one event, or several. */
export type Mapped = EventDraft | readonly EventDraft[] | undefined;

/**
 * The handlers of domain events, as units of work take them. Contravariant in `Tx`: handlers that ask for no
 * transaction run on every store.
 */
export interface DomainHandlers<in Tx = unknown> {
  /** The types that somebody here handles, each once. */
  readonly handledTypes: readonly string[];
  /** Types only: the transaction that the handlers ask for. */
  readonly "~tx"?: ((tx: Tx) => void) | undefined;
}

/** Immutable: each call returns the next value, and each value is a complete set of handlers. */
export interface DomainHandlersBuilder<Tx> extends DomainHandlers<Tx> {
  /**
   * One more handler of this event. It runs in the transaction of the unit that recorded the event, after the change
   * was saved and before anything is committed. When it throws, everything is rolled back and its error is the unit's.
   */
  on<E extends DomainEvent>(
    definition: DomainEventDefinition<E>,
    handler: (event: E, unit: DomainContext<Tx>) => void | Promise<void>,
    options?: DomainHandlerOptions,
  ): DomainHandlersBuilder<Tx>;
  /** What this event becomes for other services: published as a handler that calls `publish` would. */
  map<E extends DomainEvent>(
    definition: DomainEventDefinition<E>,
    toIntegration: (event: E, unit: DomainContext<Tx>) => Mapped | Promise<Mapped>,
    options?: DomainHandlerOptions,
  ): DomainHandlersBuilder<Tx>;
}

/** One registered handler, once its types are erased. */
export interface DomainHandler {
  readonly type: string;
  readonly name: string;
  readonly order: number;
  readonly call: (event: DomainEvent, unit: DomainContext<unknown>) => Promise<void>;
}

const entriesKey: unique symbol = Symbol.for("@postrider/core/domain-handlers");

/** Handlers of domain events, none at first. `store` gives `tx` in handlers its type, and nothing else. */
export function domainHandlers<Tx = UntypedTransaction>(
  options: { readonly store?: Transactor<Tx> | undefined } = {},
): DomainHandlersBuilder<Tx> {
  const problems = problemsOfOptions(options, { store: true });
  if (problems.length > 0) throw new OptionsError("domainHandlers", problems);
  return builderOf<Tx>([]);
}

/** The handlers of a set, in the order of registration. Undefined for what `domainHandlers` did not make. */
export function entriesOf(handlers: unknown): readonly DomainHandler[] | undefined {
  if (typeof handlers !== "object" || handlers === null || !(entriesKey in handlers)) return undefined;
  return handlers[entriesKey] as readonly DomainHandler[];
}

// The handlers' own types are erased here: the signatures of the builder hold them.
type AnyHandler = (event: never, unit: never) => unknown;

function builderOf<Tx>(entries: readonly DomainHandler[]): DomainHandlersBuilder<Tx> {
  const add =
    (verb: "on" | "map") =>
    (
      definition: object,
      handler: AnyHandler,
      options: DomainHandlerOptions = {},
    ): DomainHandlersBuilder<Tx> => {
      assertGiven(verb, definition, handler, options);
      const { type } = definition;
      const { order = 0, name = nameOf(type, handler, entries) } = options;
      const work = handler as (event: DomainEvent, unit: DomainContext<unknown>) => unknown;
      const call = verb === "map" ? mapping(work as ToIntegration) : calling(work);
      return builderOf([...entries, { type, name, order, call }]);
    };
  const builder: DomainHandlersBuilder<Tx> = {
    handledTypes: [...new Set(entries.map(({ type }) => type))],
    on: add("on"),
    map: add("map"),
  };
  return Object.freeze(Object.defineProperty(builder, entriesKey, { value: entries }));
}

type ToIntegration = (event: DomainEvent, unit: DomainContext<unknown>) => Mapped | Promise<Mapped>;

function calling(
  handler: (event: DomainEvent, unit: DomainContext<unknown>) => unknown,
): DomainHandler["call"] {
  return async (event, unit) => void (await handler(event, unit));
}

function mapping(toIntegration: ToIntegration): DomainHandler["call"] {
  return async (event, unit) => {
    const mapped = await toIntegration(event, unit);
    if (mapped !== undefined) unit.publish(...(isMany(mapped) ? mapped : [mapped]));
  };
}

function isMany(mapped: EventDraft | readonly EventDraft[]): mapped is readonly EventDraft[] {
  return Array.isArray(mapped);
}

function nameOf(type: string, handler: AnyHandler, entries: readonly DomainHandler[]): string {
  if (handler.name !== "") return handler.name;
  return `${type}#${entries.filter((one) => one.type === type).length + 1}`;
}

const names: OptionNames<DomainHandlerOptions> = { order: true, name: true };

function assertGiven(
  verb: "on" | "map",
  definition: unknown,
  handler: unknown,
  options: DomainHandlerOptions,
): asserts definition is { readonly type: string } {
  const problems = problemsOfOptions(options, names);
  if (!isDefinition(definition)) problems.unshift("definition: must be made by defineDomainEvent");
  if (typeof handler !== "function") problems.push("handler: must be a function");
  const { order = 0, name = "x" } = problems.length > 0 ? {} : options;
  if (!Number.isFinite(order)) problems.push("order: must be a number");
  if (typeof name !== "string" || name === "") problems.push("name: must be a text that is not empty");
  if (problems.length > 0) throw new OptionsError(`domainHandlers().${verb}`, problems);
}

function isDefinition(value: unknown): value is { readonly type: string } {
  if (typeof value !== "function" || !("kind" in value) || !("type" in value)) return false;
  return value.kind === "domain-event" && typeof value.type === "string";
}
