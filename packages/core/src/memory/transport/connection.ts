import type { CodedError } from "../../contracts/failure.ts";
import type { ConnectionState, ConnectOptions } from "../../contracts/transport.ts";
import { toError } from "../../errors.ts";
import type { BrokerServer } from "../broker/server.ts";
import { toTransportError, unavailableError } from "./errors.ts";

/** Told when the connection goes away and comes back; not of `open` and `close`. */
export interface ConnectionListener {
  up(): void;
  down(): void;
  /** It will not come back. */
  dead(): void;
}

/** The connection to the broker: opening and closing, one after the other however they are called. */
export interface Connection {
  open(options?: ConnectOptions): Promise<void>;
  /** `drain` ends what runs on the connection, which is up or down meanwhile. */
  close(drain: () => Promise<void>): Promise<void>;
  /** Breaks the connection as a network does; it is back in a later turn, if the broker is there. */
  cut(): void;
  /** Breaks it for good, as a process does that dies. */
  crash(): void;
  state(): ConnectionState;
  onState(listener: (state: ConnectionState, cause: CodedError | undefined) => void): () => void;
  /** Up at this moment. */
  ready(): boolean;
  /** True while new work may begin: opened, and not being closed. */
  accepting(): boolean;
}

export function createConnection(server: BrokerServer, listener: ConnectionListener): Connection {
  const stateListeners = new Set<(state: ConnectionState, cause: CodedError | undefined) => void>();
  let state: ConnectionState = "closed";
  let detach: (() => void) | undefined;
  let wanted: "open" | "closed" = "closed";
  let last: Promise<void> = Promise.resolve();

  const become = (next: ConnectionState, cause?: CodedError): void => {
    if (next === state) return;
    state = next;
    for (const tell of [...stateListeners]) {
      try {
        tell(next, cause);
      } catch {
        // A listener that throws changes nothing.
      }
    }
  };

  /** Runs `step` when all before it have ended, however they ended. */
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };

  const client = {
    up: () => {
      if (state !== "reconnecting" || !server.running()) return;
      become("ready");
      listener.up();
    },
    down: () => {
      if (state !== "ready") return;
      become("reconnecting", unavailableError());
      listener.down();
    },
  };

  const open = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (state === "ready") return;
    if (detach !== undefined) throw unavailableError();
    become("connecting");
    try {
      await server.request(() => {
        signal?.throwIfAborted();
        detach = server.attach(client);
        become("ready");
      });
    } catch (error) {
      const cause = toTransportError(error);
      become(signal?.aborted === true ? "closed" : "failed", cause);
      throw signal?.aborted === true ? error : cause;
    }
  };

  return {
    open: (options) => {
      wanted = "open";
      return unlessAborted(
        inTurn(() => open(options?.signal)),
        options?.signal,
      );
    },
    close: (drain) => {
      wanted = "closed";
      return inTurn(async () => {
        if (detach !== undefined) await drain();
        detach?.();
        detach = undefined;
        become("closed");
      });
    },
    cut: () => {
      client.down();
      void server.request(client.up);
    },
    crash: () => {
      detach?.();
      detach = undefined;
      become("failed", unavailableError());
      listener.dead();
    },
    state: () => state,
    onState: (tell) => {
      // Each call is a listener of its own, also of the same function.
      const own = (next: ConnectionState, cause: CodedError | undefined): void => tell(next, cause);
      stateListeners.add(own);
      return () => void stateListeners.delete(own);
    },
    ready: () => detach !== undefined && state === "ready",
    accepting: () => detach !== undefined && wanted === "open",
  };
}

/** Gives up waiting as soon as `signal` aborts, whatever is still in front. */
function unlessAborted(opening: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return opening;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(toError(signal.reason));
    const end = (): void => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    opening.finally(end).then(resolve, reject);
  });
}
