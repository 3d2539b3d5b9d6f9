import { Duplex } from "node:stream";
import type { MessagingError } from "@postrider/core";
import { Redis } from "ioredis";
import type { ResolvedOptions } from "../options.ts";
import { isAccessRefused, toTransportError, unavailableError } from "../errors.ts";
import type { Host } from "./address.ts";
import { createBackoff } from "./backoff.ts";
import { loadScripts } from "./call.ts";
import { checkServer } from "./server.ts";

/*
 * One connection that is opened again when it breaks. The client's own reconnecting is not used: it sends again what it
 * takes to be unanswered, in the midst of what is new, or never settles it; and it knows one address. Here each
 * connection is a client of its own: when it ends, everything that was under way on it fails at once.
 */

/** Told what happens to a link. */
export interface LinkListener {
  up(client: Redis): void;
  /** The connection is gone; it is opened again unless the link is closed. */
  down(cause: unknown): void;
}

export interface Link {
  /** Resolves when it is up. Rejects when no host takes it now; nothing goes on behind the caller's back then. */
  open(signal?: AbortSignal): Promise<void>;
  /** Ends it. */
  close(): Promise<void>;
  /** The connection while it is up. */
  client(): Redis | undefined;
  /** Gives this connection up, with all that is under way on it. */
  drop(client: Redis, cause: unknown): void;
}

export type LinkName = "publishing" | "consuming" | "reading";

const firstReconnectDelayMs = 50;

export function createLink(options: ResolvedOptions, name: LinkName, listener: LinkListener): Link {
  const { clock } = options;
  const backoff = createBackoff(firstReconnectDelayMs, options.maxReconnectDelayMs);
  const causes = new WeakMap<Redis, unknown>();
  let current: Redis | undefined;
  let wanted = false;
  let nextHost = 0;
  let endPulse = (): void => undefined;
  // Ends the attempt under way and the wait before the next.
  let attempts = new AbortController();

  /** False when it broke again before anybody could hear of it. */
  const adopt = (client: Redis): boolean => {
    if (client.status !== "ready") return false;
    client.on("end", () => {
      if (current === client) lose(causes.get(client));
    });
    client.on("error", (error: Error) => causes.set(client, error));
    current = client;
    backoff.reset();
    // A blocking read is silent for as long as it was asked to be: who reads looks after that.
    if (name !== "reading") endPulse = watchPulse(client, (cause) => drop(client, cause));
    listener.up(client);
    return true;
  };

  const lose = (cause: unknown): void => {
    current = undefined;
    endPulse();
    if (!wanted) return;
    listener.down(cause);
    void reconnect(attempts.signal);
  };

  const drop = (client: Redis, cause: unknown): void => {
    causes.set(client, cause);
    destroy(client);
  };

  /** Asks for a sign of life where nothing came for a while. */
  const watchPulse = (client: Redis, silent: (cause: unknown) => void): (() => void) => {
    let asked = false;
    let seenBytes = bytesRead(client);
    let cancel = (): void => undefined;
    const arm = (): void => {
      const dueMs = clock.monotonicMs() + options.heartbeatMs;
      cancel = clock.schedule(options.heartbeatMs, () => beat(dueMs));
    };
    const beat = (dueMs: number): void => {
      const isLate = clock.monotonicMs() - dueMs > options.heartbeatMs / 2;
      const bytes = bytesRead(client);
      const hasSpoken = bytes !== seenBytes;
      seenBytes = bytes;
      // Who was held up itself has not read what may have come meanwhile.
      if (asked && !hasSpoken && !isLate) return silent(silentError(options.heartbeatMs));
      if (!asked) {
        asked = true;
        client.ping().then(
          () => (asked = false),
          () => undefined,
        );
      }
      arm();
    };
    arm();
    return () => cancel();
  };

  const reconnect = async (signal: AbortSignal): Promise<void> => {
    // As the socket did: with neither it nor a timer that counts, Node would end in the middle of an outage.
    const alive = setInterval(() => undefined, 2 ** 30);
    try {
      while (!signal.aborted) {
        await pause(backoff.next(), signal);
        if (signal.aborted) return;
        const client = await openAny(signal).catch(() => undefined);
        if (client === undefined) continue;
        if (signal.aborted) return destroy(client);
        if (adopt(client)) return;
      }
    } finally {
      clearInterval(alive);
    }
  };

  const pause = (delayMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = clock.schedule(delayMs, end);
      signal.addEventListener("abort", end, { once: true });
    });

  /** Tries each host once, beginning behind the one tried last. */
  const openAny = async (signal: AbortSignal): Promise<Redis> => {
    const { hosts } = options.address;
    let failure: MessagingError | undefined;
    for (let tried = 0; tried < hosts.length && !signal.aborted; tried += 1) {
      const host = hosts[nextHost % hosts.length];
      nextHost += 1;
      if (host === undefined) break;
      try {
        const client = await openHost(options, name, host, signal);
        // The one that works is tried first when it comes back.
        nextHost -= 1;
        return client;
      } catch (error) {
        failure = toTransportError(error, `Redis at ${host.hostname}:${host.port} cannot be used`);
        if (isAccessRefused(error)) break;
      }
    }
    throw failure ?? unavailableError(signal.reason);
  };

  return {
    open: async (signal) => {
      if (current !== undefined) return;
      if (wanted) throw unavailableError();
      attempts = new AbortController();
      const { signal: given } = attempts;
      const give = (): void => attempts.abort(signal?.reason);
      signal?.addEventListener("abort", give, { once: true });
      try {
        const client = await openAny(given);
        if (given.aborted) {
          destroy(client);
          throw unavailableError(given.reason);
        }
        if (!adopt(client)) throw unavailableError();
        wanted = true;
      } finally {
        signal?.removeEventListener("abort", give);
      }
    },
    close: async () => {
      wanted = false;
      attempts.abort();
      endPulse();
      const client = current;
      current = undefined;
      if (client !== undefined) await end(client);
    },
    client: () => current,
    drop,
  };
}

async function openHost(
  options: ResolvedOptions,
  name: LinkName,
  host: Host,
  signal: AbortSignal,
): Promise<Redis> {
  const { address, connectTimeoutMs, clock } = options;
  const client = new Redis({
    host: host.hostname,
    port: host.port,
    db: address.database,
    username: address.username,
    password: address.password,
    ...(address.secure && { tls: options.tls }),
    connectionName: `${options.connectionName}:${name}`,
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    noDelay: true,
    protocol: 2,
    connectTimeout: 0,
  });
  let failure: unknown;
  // Unheard, it is written to the console.
  client.on("error", (error: Error) => (failure ??= error));
  const give = (cause: unknown): void => {
    failure ??= cause;
    destroy(client);
  };
  const late = Object.assign(new Error(`no answer within ${connectTimeoutMs} ms`), { code: "ETIMEDOUT" });
  const cancel = clock.schedule(connectTimeoutMs, () => give(late));
  const abort = (): void => give(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await client.connect();
    await checkServer(client);
    await loadScripts(client);
    return client;
  } catch (error) {
    destroy(client);
    throw failure ?? error;
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
  }
}

function silentError(heartbeatMs: number): Error {
  return Object.assign(new Error(`no sign of life within ${2 * heartbeatMs} ms`), { code: "ETIMEDOUT" });
}

/** Nothing is under way any more that anybody waits for. */
async function end(client: Redis): Promise<void> {
  const socket = socketOf(client);
  const closed = new Promise<void>((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
  destroy(client);
  await closed;
}

/** The client ends its socket and never destroys it: to a peer that is frozen it would stay open. */
function destroy(client: Redis): void {
  client.disconnect();
  socketOf(client)?.destroy();
}

function socketOf(client: Redis): Duplex | undefined {
  const stream: unknown = Reflect.get(client, "stream");
  return stream instanceof Duplex ? stream : undefined;
}

function bytesRead(client: Redis): number {
  const socket = socketOf(client);
  return socket !== undefined && "bytesRead" in socket ? Number(socket.bytesRead) : 0;
}
