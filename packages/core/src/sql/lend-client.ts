import { MessagingError, toError, TransactionClosedError } from "../errors.ts";

/**
 * A client on loan for one transaction. The handle is the client in every respect, `instanceof` included, until
 * `takeBack`: from then on each method fails with STORE_TRANSACTION_CLOSED, whoever still holds it. Without this, a
 * statement that comes late would run in somebody else's transaction on the same connection.
 */
export interface Loan<Client> {
  readonly handle: Client;
  /** Ends the loan. Resolves when the statements already under way have been answered. */
  takeBack(): Promise<void>;
  /** The first error that a statement of this transaction was answered with. */
  firstFailure(): Error | undefined;
}

export function lendClient<Client extends object>(client: Client): Loan<Client> {
  const underway = new Set<Promise<unknown>>();
  const methods = new Map<PropertyKey, (...args: unknown[]) => unknown>();
  let failure: Error | undefined;
  let ended = false;

  const watch = (answer: unknown): void => {
    if (!(answer instanceof Promise)) return;
    const settled: Promise<unknown> = answer
      .catch((error: unknown) => (failure ??= toError(error)))
      .finally(() => underway.delete(settled));
    underway.add(settled);
  };
  const guarded =
    (name: PropertyKey, method: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      if (ended) return refuse(name, args);
      if (name === "release") throw releaseInside();
      const answer = Reflect.apply(method, client, args);
      if (name === "query") watch(answer);
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
    takeBack: async () => {
      ended = true;
      await Promise.all(underway);
    },
    firstFailure: () => failure,
  };
}

/** Answers in the way that was asked: promise, callback, or a throw for everything else. */
function refuse(name: PropertyKey, args: readonly unknown[]): unknown {
  if (name === "getTransactionStatus") return null;
  const error = new TransactionClosedError();
  const last = args.at(-1);
  if (name !== "query" || isSubmittable(args[0])) throw error;
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
