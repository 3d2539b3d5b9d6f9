import { MessagingError, toError, TransactionClosedError } from "../errors.ts";
import { transactionControlIn } from "./transaction-control.ts";

/**
 * A client on loan for one transaction. The handle is the client in every respect, `instanceof` included, until
 * `takeBack`: from then on each method fails with STORE_TRANSACTION_CLOSED, whoever still holds it. Without this, a
 * statement that comes late would run in somebody else's transaction on the same connection. While it is on loan it
 * runs no statement that begins or ends a transaction (USAGE_TRANSACTION_CONTROL); savepoints are its own.
 */
export interface Loan<Client> {
  readonly handle: Client;
  /** How many statements wait for their answer now. */
  underway(): number;
  /** Ends the loan. Resolves when the statements already under way have been answered. */
  takeBack(): Promise<void>;
  /** The first error that a statement of this transaction was answered with. */
  firstFailure(): Error | undefined;
}

export function lendClient<Client extends object>(client: Client): Loan<Client> {
  const methods = new Map<PropertyKey, (...args: unknown[]) => unknown>();
  let failure: Error | undefined;
  let unanswered = 0;
  let idle: Promise<void> | undefined;
  let tellIdle = (): void => undefined;
  let ended = false;

  const answered = (): void => {
    unanswered -= 1;
    if (unanswered === 0) tellIdle();
  };
  const refused = (error: unknown): void => {
    failure ??= toError(error);
    answered();
  };
  const watch = (answer: unknown): void => {
    if (!(answer instanceof Promise)) return;
    // Counted in front of whoever awaits the answer: who has it finds it counted out.
    unanswered += 1;
    answer.then(answered, refused);
  };
  const guarded =
    (name: PropertyKey, method: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      if (ended) return refuse(name, args, new TransactionClosedError());
      if (name === "release") throw releaseInside();
      if (!runsSql.has(name)) return Reflect.apply(method, client, args);
      const control = transactionControlIn(textOf(args[0]));
      if (control !== undefined) return refuse(name, args, controlError(control));
      const answer = Reflect.apply(method, client, args);
      watch(answer);
      return answer;
    };

  const handle = new Proxy(client, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      const known = methods.get(name) ?? guarded(name, value as (...args: unknown[]) => unknown);
      methods.set(name, known);
      return known;
    },
  });
  return {
    handle,
    underway: () => unanswered,
    takeBack: async () => {
      ended = true;
      if (unanswered === 0) return;
      idle ??= new Promise((resolve) => (tellIdle = resolve));
      await idle;
    },
    firstFailure: () => failure,
  };
}

/** `query` of pg and of PGlite, and what else PGlite has. */
const runsSql: ReadonlySet<PropertyKey> = new Set(["query", "exec", "sql"]);

/** A text, the pieces of a template, or an object that carries its text: a configuration, a cursor. */
function textOf(statement: unknown): string {
  if (typeof statement === "string") return statement;
  if (Array.isArray(statement)) return statement.join("$1");
  const isObject = typeof statement === "object" && statement !== null;
  return isObject && "text" in statement && typeof statement.text === "string" ? statement.text : "";
}

/** Answers in the way that was asked: promise, callback, or a throw for everything else. */
function refuse(name: PropertyKey, args: readonly unknown[], error: Error): unknown {
  if (name === "getTransactionStatus") return null;
  const last = args.at(-1);
  if (!runsSql.has(name) || isSubmittable(args[0])) throw error;
  if (typeof last !== "function") return Promise.reject(error);
  Reflect.apply(last, undefined, [error]);
  return undefined;
}

/** Cursors and streams are given to `query` as objects that send themselves; they return no promise. */
function isSubmittable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "submit" in value;
}

function releaseInside(): MessagingError {
  return new MessagingError(
    "STORE_TRANSACTION_CLOSED",
    "The client belongs to the transaction until its work is done: do not release it inside.",
  );
}

function controlError(statement: string): MessagingError {
  return new MessagingError(
    "USAGE_TRANSACTION_CONTROL",
    `${statement} was refused: this transaction was begun by the library, and it ends it. Return to commit, throw to roll back; for a part, use SAVEPOINT and ROLLBACK TO.`,
    { context: { statement } },
  );
}
