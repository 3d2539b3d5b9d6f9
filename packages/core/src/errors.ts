import type { CodedError } from "./contracts/failure.ts";
import { whatItIs } from "./what-it-is.ts";

/*
 * One table of codes, grouped by who must act: CONFIG the operator, CONTRACT the producer of the message, TRANSPORT the
 * broker, STORE the database, HANDLER the code that works on a message, REQUEST the owner that was asked, USAGE the caller. `retryable` tells whether
 * the same call can succeed later with nothing changed by a person.
 */
const table = {
  CONFIG_INVALID: { retryable: false, meaning: "Options are wrong; the error lists every problem." },
  CONFIG_CAPABILITY_MISSING: {
    retryable: false,
    meaning: "An option, or one more member of a group, asks for something this broker cannot do.",
  },
  CONFIG_TRANSPORT_UNKNOWN: {
    retryable: false,
    meaning: "No loader is given for the broker's URL scheme or kind.",
  },
  CONFIG_TRANSPORT_NOT_INSTALLED: {
    retryable: false,
    meaning: "The transport's package could not be loaded.",
  },
  CONTRACT_INVALID_DATA: { retryable: false, meaning: "The data does not match the definition's schema." },
  CONTRACT_INVALID_EVENT: {
    retryable: false,
    meaning: "An attribute is missing or breaks CloudEvents 1.0, or the schema threw.",
  },
  CONTRACT_NOT_SERIALIZABLE: { retryable: false, meaning: "The data cannot be written as JSON." },
  CONTRACT_UNDECODABLE: { retryable: false, meaning: "The bytes are no CloudEvent in either content mode." },
  CONTRACT_UNKNOWN_TYPE: { retryable: false, meaning: "Nobody in this consumer handles the type." },
  CONTRACT_ASYNC_SCHEMA: {
    retryable: false,
    meaning: "The schema validates asynchronously where that cannot be awaited.",
  },
  TRANSPORT_UNAVAILABLE: { retryable: true, meaning: "The broker cannot be reached; nothing was sent." },
  TRANSPORT_OUTCOME_UNKNOWN: {
    retryable: true,
    meaning: "The broker may have the message: no answer in time, or the connection broke.",
  },
  TRANSPORT_DEADLINE: { retryable: true, meaning: "The deadline passed before the message was sent." },
  TRANSPORT_FULL: { retryable: true, meaning: "The broker or the window in front of it takes no more now." },
  TRANSPORT_REJECTED: { retryable: true, meaning: "The broker refused the message." },
  TRANSPORT_UNROUTABLE: { retryable: false, meaning: "The broker has nowhere to put the message." },
  TRANSPORT_TOO_LARGE: { retryable: false, meaning: "The message is larger than the broker accepts." },
  TRANSPORT_CHANNEL_MISSING: {
    retryable: false,
    meaning: "The channel does not exist and may not be created.",
  },
  TRANSPORT_ACCESS_REFUSED: { retryable: false, meaning: "The broker refused the credentials or the right." },
  TRANSPORT_TOPOLOGY_CONFLICT: {
    retryable: false,
    meaning: "What exists at the broker differs from what is asked for.",
  },
  TRANSPORT_SUBSCRIPTION_LOST: {
    retryable: true,
    meaning: "The broker ended the subscription; it is bound again.",
  },
  TRANSPORT_DELIVERY_LOST: {
    retryable: true,
    meaning: "The delivery is no longer ours and will come again.",
  },
  TRANSPORT_FAILED: {
    retryable: true,
    meaning: "The broker's client failed in a way this transport does not know.",
  },
  STORE_UNAVAILABLE: { retryable: true, meaning: "The database cannot be reached." },
  STORE_ACCESS_REFUSED: {
    retryable: false,
    meaning: "The database refused the credentials, or there is no such database.",
  },
  STORE_SCHEMA_MISSING: { retryable: false, meaning: "Tables are missing or older than this version needs." },
  STORE_OUTSIDE_TRANSACTION: { retryable: false, meaning: "The outbox was called outside a transaction." },
  STORE_TRANSACTION_CLOSED: { retryable: false, meaning: "The transaction has ended." },
  STORE_LEASE_LOST: { retryable: true, meaning: "Another relay holds the lease now." },
  STORE_FAILED: { retryable: true, meaning: "The database refused a statement." },
  STORE_OUTCOME_UNKNOWN: {
    retryable: false,
    meaning:
      "The connection broke at COMMIT, which may have taken effect. Ask by a business key; run it again only if it is idempotent.",
  },
  STORE_TOO_LARGE: {
    retryable: false,
    meaning: "More was published in one transaction than one statement takes. Publish in bounded batches.",
  },
  HANDLER_FAILED: { retryable: true, meaning: "The handler threw." },
  HANDLER_TIMED_OUT: { retryable: true, meaning: "The handler did not settle in time." },
  HANDLER_REJECTED: {
    retryable: false,
    meaning: "The handler threw Reject: the message goes to the dead letters.",
  },
  HANDLER_ABANDONED: {
    retryable: true,
    meaning: "The work was given up: shutdown, or the delivery was lost.",
  },
  HANDLER_CASCADE: {
    retryable: false,
    meaning: "Domain events caused each other too deep, or were too many, in one unit of work.",
  },
  REQUEST_TIMED_OUT: {
    retryable: true,
    meaning: "No answer came in time; the owner may have worked on it.",
  },
  REQUEST_REFUSED: {
    retryable: false,
    meaning: "The owner gave the request up; the context has the code of its error.",
  },
  USAGE_CLOSED: { retryable: false, meaning: "The messaging or transport is closed." },
  USAGE_ALREADY_SETTLED: { retryable: false, meaning: "The delivery was settled in another way before." },
  USAGE_ALREADY_SUBSCRIBED: {
    retryable: false,
    meaning: "This group is consumed by the same messaging already.",
  },
  USAGE_DUPLICATE_HANDLER: { retryable: false, meaning: "A consumer handles one type twice." },
  USAGE_WRONG_KIND: {
    retryable: false,
    meaning: "The wrong verb for this message, or something that is no draft.",
  },
  USAGE_INSIDE_TRANSACTION: {
    retryable: false,
    meaning: "A direct publish, or a request, inside a unit of work.",
  },
  USAGE_UNIT_CLOSED: { retryable: false, meaning: "The unit of work has ended." },
  USAGE_ROLLBACK_ONLY: {
    retryable: false,
    meaning: "A unit of work inside this one failed, so this one was rolled back.",
  },
  USAGE_ISOLATION_MISMATCH: {
    retryable: false,
    meaning: "A unit of work inside another asked for another isolation.",
  },
  USAGE_DOMAIN_EVENT_NOT_PUBLISHABLE: {
    retryable: false,
    meaning: "A domain event was to leave the service. Map it to an integration event.",
  },
  USAGE_DOMAIN_EVENT_UNHANDLED: {
    retryable: false,
    meaning: "A domain event has no handler, where each must have one.",
  },
  USAGE_RECORDED_TOO_LATE: {
    retryable: false,
    meaning: "A domain event was recorded after the last domain event handler.",
  },
  USAGE_STALE_AGGREGATE: {
    retryable: false,
    meaning: "An aggregate of a unit of work that failed was given to another one. Load it anew.",
  },
  USAGE_UNIT_MISSING: {
    retryable: false,
    meaning: "Work that must run inside a unit of work was called outside of one.",
  },
  USAGE_SECOND_TRANSACTION: {
    retryable: false,
    meaning: "A transaction of its own was asked for inside another, on a store that has one connection.",
  },
  USAGE_TRANSACTION_CONTROL: {
    retryable: false,
    meaning: "A statement that begins or ends the transaction that the library opened.",
  },
} as const;

/** The codes of every error that the library throws or reports. Match on `code`, not on the message. */
export type ErrorCode = keyof typeof table;

/** What each code means and whether the same call can succeed later with nothing changed by a person. */
export const errorCodes: Readonly<
  Record<ErrorCode, { readonly retryable: boolean; readonly meaning: string }>
> = Object.freeze(table);

/** What an error carries besides its code and its message. */
export interface MessagingErrorOptions {
  /** What was caught, as it was thrown. */
  readonly cause?: unknown;
  /** Overrides what the table says of the code. */
  readonly retryable?: boolean | undefined;
  /** Names and numbers that help to find the place; never payloads, never credentials. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

const ownName: unique symbol = Symbol("the name that a class of errors is known by");

/**
 * Base of all errors of the library. `instanceof` holds over two copies of the package, for the classes below too.
 * The message names the thing and the next step; it holds no payload and no credentials.
 */
export class MessagingError extends Error implements CodedError {
  /** @internal */
  static readonly [ownName]: string = "MessagingError";
  /** What to match on; the message is for people. */
  readonly code: ErrorCode;
  /** True when the same call can succeed later with nothing changed by a person. */
  readonly retryable: boolean;
  /** Names and numbers of what was concerned; never data of a message. */
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: MessagingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MessagingError";
    this.code = code;
    this.retryable = options.retryable ?? errorCodes[code].retryable;
    this.context = Object.freeze({ ...options.context });
    mark(this, "MessagingError");
    if (new.target !== MessagingError) mark(this, new.target[ownName]);
  }

  /** A class of the user's that extends one of these is told by its prototype, as any class is. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return Object.hasOwn(this, ownName)
      ? carries(value, this[ownName])
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/** True for an error of this library, also of another copy of it; with `code`, for that one only. */
export function isMessagingError(value: unknown, code?: ErrorCode): value is MessagingError {
  return carries(value, "MessagingError") && (code === undefined || (value as MessagingError).code === code);
}

/** All problems of one options object together. */
export class OptionsError extends MessagingError {
  /** @internal */
  static override readonly [ownName]: string = "OptionsError";
  /** One sentence each, beginning with the path of the option. */
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super("CONFIG_INVALID", `${what}: ${problems.join("; ")}`, { context: { problems } });
    this.name = "OptionsError";
    this.problems = problems;
  }
}

/** What a schema says of one place in the data. The value itself is left out: it may be private. */
export interface ValidationIssue {
  /** What was expected, without the value that was given. */
  readonly message: string;
  /** Where, from the top: `["lines", 0, "sku"]`. */
  readonly path: readonly (string | number)[];
}

/** The data does not match the schema of its definition. Code CONTRACT_INVALID_DATA. */
export class ValidationError extends MessagingError {
  /** @internal */
  static override readonly [ownName]: string = "ValidationError";
  /** Everything that does not match, without the values. */
  readonly issues: readonly ValidationIssue[];

  constructor(type: string, issues: readonly ValidationIssue[]) {
    super(
      "CONTRACT_INVALID_DATA",
      `The data of '${type}' does not match its schema: ${issues.map(sayIssue).join("; ")}`,
      {
        context: { type, issues },
      },
    );
    this.name = "ValidationError";
    this.issues = issues;
  }
}

/** The outbox was called where certainly no transaction is open. Code STORE_OUTSIDE_TRANSACTION. */
export class OutsideTransactionError extends MessagingError {
  /** @internal */
  static override readonly [ownName]: string = "OutsideTransactionError";
  constructor(context?: Readonly<Record<string, unknown>>) {
    super(
      "STORE_OUTSIDE_TRANSACTION",
      "The outbox was given a connection with no open transaction: the event could commit without its change. Begin a transaction and pass its handle.",
      { context },
    );
    this.name = "OutsideTransactionError";
  }
}

/** A transaction handle was used after its transaction had ended. Code STORE_TRANSACTION_CLOSED. */
export class TransactionClosedError extends MessagingError {
  /** @internal */
  static override readonly [ownName]: string = "TransactionClosedError";
  constructor(context?: Readonly<Record<string, unknown>>) {
    super(
      "STORE_TRANSACTION_CLOSED",
      "This transaction has ended. Await everything that uses its handle before the handler returns.",
      { context },
    );
    this.name = "TransactionClosedError";
  }
}

/** A publish that was not confirmed. `outcome` tells whether the broker may have the message all the same. */
export class PublishError extends MessagingError {
  /** @internal */
  static override readonly [ownName]: string = "PublishError";
  /** `rejected`: the broker does not have the message. `unknown`: it may have it. */
  readonly outcome: "rejected" | "unknown";

  constructor(
    outcome: "rejected" | "unknown",
    error: CodedError,
    context?: Readonly<Record<string, unknown>>,
  ) {
    const code = Object.hasOwn(errorCodes, error.code) ? (error.code as ErrorCode) : "TRANSPORT_FAILED";
    super(code, error.message, {
      cause: error,
      retryable: error.retryable,
      context: { ...context, outcome },
    });
    this.name = "PublishError";
    this.outcome = outcome;
  }
}

/**
 * Domain events caused each other without an end in sight: too deep, or too many of them in one unit of work. Code
 * HANDLER_CASCADE. Everything was rolled back.
 */
export class DomainEventCascadeError extends MessagingError {
  /** @internal */
  static override readonly [ownName]: string = "DomainEventCascadeError";
  /** The types from the event that the work recorded to the one that was too much, each caused by the one before. */
  readonly chain: readonly string[];

  constructor(said: string, chain: readonly string[], context: Readonly<Record<string, unknown>>) {
    super("HANDLER_CASCADE", said, { context: { ...context, chain } });
    this.name = "DomainEventCascadeError";
    this.chain = chain;
  }
}

/** Any thrown thing as an Error: strings and undefined are thrown too. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === "string") return new Error(thrown);
  const what = whatItIs(thrown);
  return new Error(`${what[0]?.toUpperCase()}${what.slice(1)} was thrown instead of an Error`, {
    cause: thrown,
  });
}

/** Any thrown thing as an error with a code: the library's own as they are, others under `code`. */
export function toMessagingError(thrown: unknown, code: ErrorCode = "TRANSPORT_FAILED"): MessagingError {
  return thrown instanceof MessagingError
    ? thrown
    : new MessagingError(code, toError(thrown).message, { cause: thrown });
}

function sayIssue(issue: ValidationIssue): string {
  return `${issue.path.length === 0 ? "(the whole)" : issue.path.join(".")}: ${issue.message}`;
}

function mark(error: object, name: string): void {
  Object.defineProperty(error, brandOf(name), { value: true });
}

function carries(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && brandOf(name) in value;
}

function brandOf(name: string): symbol {
  return Symbol.for(`@postrider/core/${name}`);
}
