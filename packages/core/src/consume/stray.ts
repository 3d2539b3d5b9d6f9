import { AsyncLocalStorage } from "node:async_hooks";
import { toError } from "../errors.ts";

/*
 * A handler can leave a promise behind that nobody awaits. When that one rejects, Node ends the process: one careless
 * line in one handler would take every consumer of the service down, and the redelivered message would do it again.
 * Node runs the event for such a rejection in the asynchronous context of the promise, so it is known whose it is.
 */

/** Rejections that nobody awaits, told to whoever's work left them behind. */
export interface StrayGuard {
  /** Runs `work`; what it leaves behind and what rejects later, unhandled, goes to `report` and nowhere else. */
  run<R>(report: (error: Error) => void, work: () => R): R;
  /** Takes the listener off the process again, with the last of those who share it. */
  close(): void;
}

type Report = (error: Error) => void;

/** One listener for the process, shared by all messagings, found again by its brand: no module keeps it. */
interface Listener {
  (reason: unknown, promise: Promise<unknown>): void;
  readonly [brand]: { readonly storage: AsyncLocalStorage<Report>; users: number };
}

const brand: unique symbol = Symbol.for("@postrider/core/stray-rejections");

export function createStrayGuard(): StrayGuard {
  const listener = process.listeners("unhandledRejection").find(isOurs) ?? install();
  const shared = listener[brand];
  shared.users += 1;
  let open = true;
  return {
    run: (report, work) => shared.storage.run(report, work),
    close: () => {
      if (!open) return;
      open = false;
      shared.users -= 1;
      if (shared.users === 0) process.off("unhandledRejection", listener);
    },
  };
}

function install(): Listener {
  const storage = new AsyncLocalStorage<Report>();
  const listener: Listener = Object.assign(
    (reason: unknown) => {
      const report = storage.getStore();
      if (report === undefined) asWithoutUs(reason);
      else report(toError(reason));
    },
    { [brand]: { storage, users: 0 } },
  );
  process.on("unhandledRejection", listener);
  return listener;
}

/** A rejection that is none of ours must end as it would have ended had this listener not been there. */
function asWithoutUs(reason: unknown): void {
  if (process.listenerCount("unhandledRejection") > 1) return; // somebody else looks after it
  const mode = /--unhandled-rejections=(\w[\w-]*)/.exec(
    `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`,
  )?.[1];
  if (mode === "none") return;
  if (mode === "warn") process.emitWarning(toError(reason));
  else throw reason;
}

function isOurs(listener: unknown): listener is Listener {
  return typeof listener === "function" && brand in listener;
}
