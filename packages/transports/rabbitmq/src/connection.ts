import type { CodedError, ConnectionState, ConnectOptions, MessagingError } from "@postrider/core";
import type { ChannelModel } from "amqplib";
import { createLink, type Link } from "./amqp/link.ts";
import { toTransportError, unavailableError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

/*
 * Two connections. RabbitMQ that is short of memory stops reading from those that publish, and what else comes through
 * them: acknowledgements must not stand in that queue, or nothing would drain. The one for consuming is opened with the
 * first subscription, so that a service which only publishes has one.
 */

/** Told when one of the connections goes away or comes back; not of `close`. */
export interface ConnectionListener {
  publishingUp(model: ChannelModel): void;
  publishingDown(): void;
  /** The broker takes nothing now. */
  publishingBlocked(): void;
  publishingUnblocked(): void;
  consumingUp(model: ChannelModel): void;
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
    const down = publishing.model() === undefined || (consumingWanted && consuming.model() === undefined);
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
    up: (model) => {
      blocked = false;
      tell();
      listener.publishingUp(model);
    },
    down: (cause) => {
      blocked = false;
      tell(lost(cause));
      listener.publishingDown();
    },
    blocked: (reason) => {
      blocked = true;
      tell(toTransportError(new Error(reason), "RabbitMQ takes no messages now"));
      listener.publishingBlocked();
    },
    unblocked: () => {
      blocked = false;
      tell();
      listener.publishingUnblocked();
    },
  });
  const consuming = createLink(options, "consuming", {
    up: (model) => {
      tell();
      listener.consumingUp(model);
    },
    down: (cause) => {
      tell(lost(cause));
      listener.consumingDown(cause);
    },
    // Nothing is ever published there.
    blocked: () => undefined,
    unblocked: () => undefined,
  });

  /** Runs `step` when all before it have ended, however they ended. */
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };

  const open = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (phase === "open" && publishing.model() !== undefined) return;
    if (phase === "open") throw unavailableError();
    enter("connecting");
    try {
      await publishing.open(signal);
      enter("open");
    } catch (error) {
      const cause = toTransportError(error, "RabbitMQ cannot be reached");
      enter(signal?.aborted === true ? "closed" : "failed", cause);
      throw signal?.aborted === true ? reasonOf(signal) : cause;
    }
  };

  const openConsuming = async (): Promise<void> => {
    if (consumingWanted && consuming.model() === undefined) throw unavailableError();
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
      if (consuming.model() !== undefined) return Promise.resolve();
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
    accepting: () => phase === "open" && wanted === "open",
  };
}

function lost(cause: unknown): MessagingError {
  return unavailableError(cause);
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
