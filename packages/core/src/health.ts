import type { ConsumerState } from "./consume/intake/intake-switch.ts";
import type { Clock } from "./contracts/clock.ts";
import type { Store } from "./contracts/store.ts";
import type { ConnectionState, Transport } from "./contracts/transport.ts";
import { toMessagingError, type ErrorCode } from "./errors.ts";
import type { RelayHealth } from "./relay/standing.ts";
import { shortText } from "./short-text.ts";
import { within } from "./within.ts";

/** The connection to the broker. */
export interface BrokerHealth {
  /** Of the connection, as the transport tells it. */
  readonly state: ConnectionState;
  /** Why it is not ready, as far as the transport said. */
  readonly errorCode: string | undefined;
  /** The error's message, cut to 1,024 characters. */
  readonly lastError: string | undefined;
}

/** The store, as it answered just now. */
export interface StoreHealth {
  /** `ready`: it answered within a second. */
  readonly state: "ready" | "failing";
  /** Why it failed; undefined while it is ready. */
  readonly errorCode: ErrorCode | undefined;
  /** The error's message, cut to 1,024 characters; undefined while it is ready. */
  readonly lastError: string | undefined;
}

/** One consumer of this process. */
export interface ConsumerHealth {
  /** The consumer's name. */
  readonly name: string;
  /** Whether it takes messages, and what it waits for. */
  readonly state: ConsumerState;
}

/** How each part of one messaging is. */
export interface MessagingHealth {
  /**
   * True when the broker is ready, the store answers, and neither relay nor consumers wait for one of them. What
   * somebody paused, and a relay that stands by, are fine.
   */
  readonly ok: boolean;
  /** The connection of this process to the broker. */
  readonly broker: BrokerHealth;
  /** Undefined without a store. */
  readonly store: StoreHealth | undefined;
  /** The relay of this process; undefined where it has none. */
  readonly relay: RelayHealth | undefined;
  /** Those that are started and not closed, and the readers of dead letters. */
  readonly consumers: readonly ConsumerHealth[];
}

export interface HealthParts {
  readonly transport: Pick<Transport, "state" | "onState">;
  readonly store: Pick<Store<unknown>, "ping"> | undefined;
  readonly relay: { health(): RelayHealth } | undefined;
  readonly consumers: () => readonly ConsumerHealth[];
  readonly clock: Clock;
}

export interface HealthCheck {
  /** Never rejects, and answers within a second. */
  health(): Promise<MessagingHealth>;
  /** Stops listening to the transport. */
  close(): void;
}

export function createHealthCheck(parts: HealthParts): HealthCheck {
  const broker = watchBroker(parts.transport);
  const ping = createPing(parts.store, parts.clock);
  return {
    health: async () => {
      const store = await ping();
      const relay = parts.relay?.health();
      const consumers = parts.consumers();
      const connection = broker.health();
      const ok =
        connection.state === "ready" &&
        store?.state !== "failing" &&
        relay?.state.startsWith("waiting-") !== true &&
        consumers.every(({ state }) => state !== "waiting-for-store");
      return { ok, broker: connection, store, relay, consumers };
    },
    close: broker.close,
  };
}

function watchBroker(transport: HealthParts["transport"]): { health(): BrokerHealth; close(): void } {
  let cause: { readonly code: string; readonly message: string } | undefined;
  const close = transport.onState((_, why) => (cause = why));
  return {
    health: () => {
      const state = transport.state();
      const why = state === "ready" ? undefined : cause;
      return { state, errorCode: why?.code, lastError: why && shortText(why.message) };
    },
    close,
  };
}

/** How long a check waits for the store. */
const pingMs = 1_000;

/** One question to the store at a time, whoever asks: checks that come by the second must not fill the pool of a database that hangs. */
function createPing(store: HealthParts["store"], clock: Clock): () => Promise<StoreHealth | undefined> {
  let asked: Promise<void> | undefined;
  return async () => {
    if (store === undefined) return undefined;
    asked ??= (async () => store.ping())().finally(() => (asked = undefined));
    try {
      if (await within(clock, pingMs, asked))
        return { state: "ready", errorCode: undefined, lastError: undefined };
      return failing("STORE_UNAVAILABLE", `The store did not answer within ${pingMs} ms.`);
    } catch (thrown) {
      const { code, message } = toMessagingError(thrown, "STORE_FAILED");
      return failing(code, message);
    }
  };
}

function failing(errorCode: ErrorCode, lastError: string): StoreHealth {
  return { state: "failing", errorCode, lastError: shortText(lastError) };
}
