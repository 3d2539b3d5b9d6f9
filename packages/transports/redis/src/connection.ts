import type { CodedError, ConnectionState, ConnectOptions } from "@postrider/core";
import { toTransportError, unavailableError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";
import { createLink, type Link } from "./streams/link.ts";

/*
 * Two connections, and one more for each subscription, whose reads block. Settlements must not stand behind what is
 * published. The one for consuming is opened with the first subscription, so that a service which only publishes has one.
 */

/** Told when one of the connections goes away or comes back; not of `close`. */
export interface ConnectionListener {
  publishingUp(): void;
  consumingUp(): void;
  consumingDown(cause: unknown): void;
}

/** The connections to the broker: opening and closing, one after the other however they are called. */
export interface Connection {
  open(options?: ConnectOptions): Promise<void>;
  /** `drain` ends what runs on the connections, which are up or down meanwhile. */
  close(drain: () => Promise<void>): Promise<void>;
  readonly publishing: Link;
  readonly consuming: Link;
  /** Opens the connection for consuming, unless it stands. */
  openConsuming(): Promise<void>;
  state(): ConnectionState;
  onState(listener: (state: ConnectionState, cause: CodedError | undefined) => void): () => void;
  /** The server lives and takes no messages, for this reason; `undefined` when it does again. */
  setBlocked(cause: CodedError | undefined): void;
  /** True while new work may begin: opened, and not being closed. */
  accepting(): boolean;
}

type Phase = "connecting" | "open" | "failed" | "closed";

export function createConnection(options: ResolvedOptions, listener: ConnectionListener): Connection {
  const stateListeners = new Set<(state: ConnectionState, cause: CodedError | undefined) => void>();
  let phase: Phase = "closed";
  let told: ConnectionState = "closed";
  let blocked = false;
  let consumingWanted = false;
  let openingConsuming: Promise<void> | undefined;
  let wanted: "open" | "closed" = "closed";
  let last: Promise<void> = Promise.resolve();

  const stateNow = (): ConnectionState => {
    if (phase !== "open") return phase;
    const down = publishing.client() === undefined || (consumingWanted && consuming.client() === undefined);
    if (down) return "reconnecting";
    return blocked ? "blocked" : "ready";
  };

  const tell = (cause?: CodedError): void => {
    const state = stateNow();
    if (state === told) return;
    told = state;
    for (const hear of [...stateListeners]) {
      try {
        hear(state, cause);
      } catch {
        // A listener that throws changes nothing.
      }
    }
  };
  const enter = (next: Phase, cause?: CodedError): void => {
    phase = next;
    tell(cause);
  };

  const publishing = createLink(options, "publishing", {
    up: () => {
      blocked = false;
      tell();
      listener.publishingUp();
    },
    down: (cause) => {
      blocked = false;
      tell(unavailableError(cause));
    },
  });
  const consuming = createLink(options, "consuming", {
    up: () => {
      tell();
      listener.consumingUp();
    },
    down: (cause) => {
      tell(unavailableError(cause));
      listener.consumingDown(cause);
    },
  });

  /** Runs `step` when all before it have ended, however they ended. */
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };

  const open = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (phase === "open" && publishing.client() !== undefined) return;
    if (phase === "open") throw unavailableError();
    enter("connecting");
    try {
      await publishing.open(signal);
      enter("open");
    } catch (error) {
      const cause = toTransportError(error, "Redis cannot be reached");
      enter(signal?.aborted === true ? "closed" : "failed", cause);
      throw signal?.aborted === true ? reasonOf(signal) : cause;
    }
  };

  const openConsuming = async (): Promise<void> => {
    if (consumingWanted && consuming.client() === undefined) throw unavailableError();
    await consuming.open();
    consumingWanted = true;
  };

  return {
    open: ({ signal } = {}) => {
      wanted = "open";
      return unlessAborted(
        inTurn(() => open(signal)),
        signal,
      );
    },
    close: (drain) => {
      wanted = "closed";
      return inTurn(async () => {
        if (phase === "open") await drain();
        consumingWanted = false;
        await Promise.all([publishing.close(), consuming.close()]);
        blocked = false;
        enter("closed");
      });
    },
    publishing,
    consuming,
    openConsuming: () => {
      if (consuming.client() !== undefined) return Promise.resolve();
      openingConsuming ??= openConsuming().finally(() => (openingConsuming = undefined));
      return openingConsuming;
    },
    state: () => told,
    onState: (hear) => {
      // Each call is a listener of its own, also of the same function.
      const ownHear = (state: ConnectionState, cause: CodedError | undefined): void => hear(state, cause);
      stateListeners.add(ownHear);
      return () => void stateListeners.delete(ownHear);
    },
    setBlocked: (cause) => {
      blocked = cause !== undefined;
      tell(cause);
    },
    accepting: () => phase === "open" && wanted === "open",
  };
}

/** Gives up waiting as soon as `signal` aborts, whatever is still in front. */
function unlessAborted(opening: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return opening;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    const end = (): void => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    opening.finally(end).then(resolve, reject);
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : unavailableError(signal.reason);
}
