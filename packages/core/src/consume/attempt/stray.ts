import { AsyncLocalStorage } from "node:async_hooks";
import { soundError } from "../../failure/sound-error.ts";

/*
 * A handler can leave a promise behind that nobody awaits. When that one rejects, Node ends the process: one careless
 * line in one handler would take every consumer of the service down, and the redelivered message would do it again.
 * Node runs the event for such a rejection in the asynchronous context of the promise, so it is known whose it is.
 * The listener stays when everything is closed: what a handler left behind can reject at any later time.
 */

/** Rejections that nobody awaits, told to whoever's work left them behind. */
export interface StrayGuard {
  /** Runs `work`; what it leaves behind and what rejects later, unhandled, goes to `report` and nowhere else. */
  run<R>(report: (error: Error) => void, work: () => R): R;
}

type Report = (error: Error) => void;

/** One listener for the process, shared by all messagings, found again by its brand: no module keeps it. */
interface Listener {
  (reason: unknown, promise: Promise<unknown>): void;
  readonly [brand]: AsyncLocalStorage<Report>;
}

const brand: unique symbol = Symbol.for("@postrider/core/stray-rejections");

/** The listener is put on the process with the first guard, and is one for all of them. */
export function createStrayGuard(): StrayGuard {
  const listener = process.listeners("unhandledRejection").find(isOurs) ?? install();
  const storage = listener[brand];
  return { run: (report, work) => storage.run(report, work) };
}

function install(): Listener {
  const storage = new AsyncLocalStorage<Report>();
  const listener: Listener = Object.assign(
    (reason: unknown) => {
      const report = storage.getStore();
      if (report === undefined) asWithoutUs(reason);
      else report(soundError(reason));
    },
    { [brand]: storage },
  );
  process.on("unhandledRejection", listener);
  return listener;
}

/** A rejection that is none of ours must end as it would have ended had this listener not been there. */
function asWithoutUs(reason: unknown): void {
  if (process.listenerCount("unhandledRejection") > 1) return; // somebody else looks after it
  switch (unhandledMode()) {
    case "none":
    case "warn": // Node warns by itself in this mode, whoever listens
      return;
    case "warn-with-error-code":
      process.emitWarning(asError(reason));
      process.exitCode = 1;
      return;
    default:
      throw asError(reason);
  }
}

/** What Node was started with; the last one counts, and the command line comes after the environment. */
function unhandledMode(): string | undefined {
  const given = `${process.env["NODE_OPTIONS"] ?? ""} ${process.execArgv.join(" ")}`;
  return [...given.matchAll(/--unhandled[-_]rejections[= ](\S+)/g)].at(-1)?.[1];
}

/** Node, too, puts an error in place of what is none. */
function asError(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  const error = new Error(`A promise was rejected with ${describe(reason)}, and nobody handled it`, {
    cause: reason,
  });
  return Object.assign(error, { code: "ERR_UNHANDLED_REJECTION" });
}

function describe(reason: unknown): string {
  return typeof reason === "object" && reason !== null
    ? "an object that is no error"
    : JSON.stringify(String(reason));
}

function isOurs(listener: unknown): listener is Listener {
  return typeof listener === "function" && brand in listener;
}
