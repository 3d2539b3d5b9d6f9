import type { IsolationLevel } from "../contracts/transaction.ts";
import type { DomainEventDefinition, DomainEvent } from "../domain/domain-event.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames, type OptionNames } from "../options/names.ts";
import { whatItIs } from "../what-it-is.ts";
import type { CascadeLimits } from "./cascade.ts";
import { entriesOf, type DomainHandlers } from "./domain-handlers.ts";
import { createHandlerTable, type HandlerTable } from "./handler-table.ts";

/** How units of work treat domain events. */
export interface UnitOfWorkOptions {
  /**
   * A domain event that nobody handles: `ignore` it, or `throw` and roll everything back
   * (USAGE_DOMAIN_EVENT_UNHANDLED). Default `ignore`.
   */
  readonly unhandled?: "ignore" | "throw" | undefined;
  /** Definitions that must have a handler: checked where the options are given, before any unit runs. Default none. */
  readonly events?: readonly Pick<DomainEventDefinition<DomainEvent>, "kind" | "type">[] | undefined;
  /** Writes the domain events of each unit into the store's journal, in the unit's transaction. Default false. */
  readonly journal?: boolean | undefined;
  /** Events on the longest way from the work to an event; what the work records is at 1. Default 16. */
  readonly maxDepth?: number | undefined;
  /** Domain events of one unit. Default 1,000. */
  readonly maxEvents?: number | undefined;
  /**
   * `messaging.publish` inside a unit: `throw` (USAGE_INSIDE_TRANSACTION), or `reroute` the event into the unit, as its
   * own `publish` would. Rerouted, the promise resolves before the broker, or the database, has heard of it: a
   * deadline or a signal means nothing then. `publishBatch` and `forward` throw in both cases. Default `throw`.
   */
  readonly directPublish?: "throw" | "reroute" | undefined;
}

/** The options of all units of one messaging, consumers' included. */
export interface UnitOfWorkDefaults<Tx> extends UnitOfWorkOptions {
  /** What handles domain events in every unit and in every consumer's handler, where `unitOfWork` is given no others. */
  readonly handlers?: DomainHandlers<Tx> | undefined;
}

/** What one run decides. */
export interface RunOptions {
  /** Default: the database's own. */
  readonly isolation?: IsolationLevel | undefined;
  /**
   * How often the whole work runs again, from fresh state, after a serialization failure or a deadlock. A unit that
   * joins another cannot: then the outer one's count is what counts. Default 0.
   */
  readonly retries?: number | undefined;
  /**
   * Inside another unit: `join` its transaction; `requires-new` opens one of its own, on another connection, which
   * commits or rolls back by itself. `mandatory` joins, and rejects where there is no unit (USAGE_UNIT_MISSING).
   * Default `join`.
   */
  readonly propagation?: "join" | "requires-new" | "mandatory" | undefined;
  /** On whose behalf. Travels with the unit's events as `authid`. Default: the actor of the message being handled. */
  readonly actor?: string | undefined;
  /** Default: the tenant of the message being handled. */
  readonly tenant?: string | undefined;
  /** The conversation. Default: that of the message being handled, or else the id of this unit. */
  readonly correlationId?: string | undefined;
  /** Looked at before each handler of a domain event, and handed to it. */
  readonly signal?: AbortSignal | undefined;
}

/** Everything decided: what a unit is opened with. */
export interface UnitSettings {
  readonly table: HandlerTable;
  readonly unhandled: "ignore" | "throw";
  readonly journal: boolean;
  readonly limits: CascadeLimits;
  readonly directPublish: "throw" | "reroute";
}

/** With nothing said. */
export const plainUnits: UnitSettings = {
  table: createHandlerTable([]),
  unhandled: "ignore",
  journal: false,
  limits: { maxDepth: 16, maxEvents: 1_000 },
  directPublish: "throw",
};

const optionNames: OptionNames<UnitOfWorkOptions> = {
  unhandled: true,
  events: true,
  journal: true,
  maxDepth: true,
  maxEvents: true,
  directPublish: true,
};
const defaultNames: OptionNames<UnitOfWorkDefaults<never>> = { ...optionNames, handlers: true };

/** Where options are given, and what the store can do. */
export interface Given {
  readonly handlers: unknown;
  readonly options: UnitOfWorkOptions;
  readonly hasJournal: boolean;
}

/**
 * What is said here, and for the rest what was decided before.
 *
 * @throws OptionsError (CONFIG_INVALID) with all problems, definitions without a handler among them.
 */
export function resolveUnits(what: string, given: Given, otherwise: UnitSettings = plainUnits): UnitSettings {
  const { handlers, options, hasJournal } = given;
  const problems = isOptions(options) ? problemsOfNames(options, optionNames) : [noObject];
  if (problems.length > 0) throw new OptionsError(what, problems);
  const entries = handlers === undefined ? undefined : entriesOf(handlers);
  const table = entries === undefined ? otherwise.table : createHandlerTable(entries);
  if (handlers !== undefined && entries === undefined)
    problems.push("handlers: must be made by domainHandlers()");
  problems.push(...problemsOf(options, hasJournal), ...problemsOfEvents(options.events, table));
  if (problems.length > 0) throw new OptionsError(what, problems);
  return {
    table,
    unhandled: options.unhandled ?? otherwise.unhandled,
    journal: options.journal ?? otherwise.journal,
    limits: {
      maxDepth: options.maxDepth ?? otherwise.limits.maxDepth,
      maxEvents: options.maxEvents ?? otherwise.limits.maxEvents,
    },
    directPublish: options.directPublish ?? otherwise.directPublish,
  };
}

/** The same for the options of a messaging, which hold the handlers, too. */
export function resolveUnitDefaults(
  defaults: UnitOfWorkDefaults<never> | undefined,
  hasJournal: boolean,
): UnitSettings {
  if (defaults === undefined) return plainUnits;
  if (!isOptions(defaults)) throw new OptionsError("unitOfWork", [noObject]);
  const problems = problemsOfNames(defaults, defaultNames);
  if (problems.length > 0) throw new OptionsError("unitOfWork", problems);
  const { handlers, ...options } = defaults;
  return resolveUnits("unitOfWork", { handlers, options, hasJournal });
}

const runNames: OptionNames<RunOptions> = {
  isolation: true,
  retries: true,
  propagation: true,
  actor: true,
  tenant: true,
  correlationId: true,
  signal: true,
};

const isolations: readonly IsolationLevel[] = ["read committed", "repeatable read", "serializable"];

/** @throws MessagingError USAGE_WRONG_KIND for work that is no function; OptionsError (CONFIG_INVALID) with all problems. */
export function assertRun(work: unknown, options: RunOptions): void {
  if (typeof work !== "function") {
    throw new MessagingError(
      "USAGE_WRONG_KIND",
      `unitOfWork().run takes the work as a function, and was given ${whatItIs(work)}.`,
    );
  }
  const problems = isOptions(options) ? problemsOfRun(options) : [noObject];
  if (problems.length > 0) throw new OptionsError("unitOfWork().run", problems);
}

function problemsOfRun(options: RunOptions): string[] {
  const { isolation, retries = 0, propagation = "join", signal } = options;
  return [
    ...problemsOfNames(options, runNames),
    ...check(
      isolation === undefined || isolations.includes(isolation),
      `isolation: must be one of ${isolations.join(", ")}`,
    ),
    ...check(
      Number.isInteger(retries) && retries >= 0 && retries <= 100,
      "retries: must be a whole number from 0 to 100",
    ),
    ...check(
      ["join", "requires-new", "mandatory"].includes(propagation),
      "propagation: must be 'join', 'requires-new' or 'mandatory'",
    ),
    ...(["actor", "tenant", "correlationId"] as const).flatMap((name) =>
      check(isText(options[name]), `${name}: must be a text that is not empty`),
    ),
    ...check(signal === undefined || signal instanceof AbortSignal, "signal: must be an AbortSignal"),
  ];
}

function problemsOf(options: UnitOfWorkOptions, hasJournal: boolean): string[] {
  const {
    unhandled = "ignore",
    journal = false,
    maxDepth = 1,
    maxEvents = 1,
    directPublish = "throw",
  } = options;
  return [
    ...check(["ignore", "throw"].includes(unhandled), "unhandled: must be 'ignore' or 'throw'"),
    ...check(typeof journal === "boolean", "journal: must be true or false"),
    ...check(!journal || hasJournal, "journal: this store keeps no journal"),
    ...check(isCount(maxDepth), "maxDepth: must be a whole number from 1"),
    ...check(isCount(maxEvents), "maxEvents: must be a whole number from 1"),
    ...check(["throw", "reroute"].includes(directPublish), "directPublish: must be 'throw' or 'reroute'"),
  ];
}

function problemsOfEvents(events: unknown, table: HandlerTable): string[] {
  if (events === undefined) return [];
  if (!Array.isArray(events)) return ["events: must be an array of definitions"];
  return (events as readonly unknown[]).flatMap((definition, index) => {
    const type = typeof definition === "function" && "type" in definition ? definition.type : undefined;
    if (typeof type !== "string") return [`events[${index}]: must be made by defineDomainEvent`];
    return check(table.of(type).length > 0, `events[${index}]: '${type}' has no handler`);
  });
}

function isText(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && value !== "");
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1;
}

function check(holds: boolean, said: string): string[] {
  return holds ? [] : [said];
}
