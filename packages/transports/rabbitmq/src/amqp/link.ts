import { Duplex } from "node:stream";
import type { MessagingError } from "@postrider/core";
import { connect, type ChannelModel } from "amqplib";
import type { ResolvedOptions } from "../options.ts";
import { isAccessRefused, toTransportError, unavailableError } from "../errors.ts";
import { createBackoff } from "./backoff.ts";
import type { Host } from "./address.ts";

/*
 * One connection that is opened again when it breaks. amqplib's own recovery is not used: it opens the socket again and
 * nothing else, tries one address, and cannot be told to give an attempt up. What is needed on top (channels, consumers,
 * what was unconfirmed) has to hang on our own events in either case.
 */

/** Told what happens to a link. */
export interface LinkListener {
  up(model: ChannelModel): void;
  /** The connection is gone; it is opened again unless the link is closed. */
  down(cause: unknown): void;
  /** The broker reads nothing from this connection for now: it is short of memory or disk. */
  blocked(reason: string): void;
  unblocked(): void;
}

export interface Link {
  /** Resolves when it is up. Rejects when no host takes it now; nothing goes on behind the caller's back then. */
  open(signal?: AbortSignal): Promise<void>;
  /** Ends it, gracefully where the peer answers. */
  close(): Promise<void>;
  /** The connection while it is up. */
  model(): ChannelModel | undefined;
  /** Resolves with the next connection that is up; `undefined` when the link is closed first. */
  whenUp(): Promise<ChannelModel | undefined>;
}

/** A peer that is frozen never answers a close. */
const closeGraceMs = 1_000;
const firstReconnectDelayMs = 100;

export function createLink(options: ResolvedOptions, name: string, listener: LinkListener): Link {
  const { clock } = options;
  const backoff = createBackoff(firstReconnectDelayMs, options.maxReconnectDelayMs);
  const ended = new WeakSet<ChannelModel>();
  const waiting = new Set<(model: ChannelModel | undefined) => void>();
  let current: ChannelModel | undefined;
  let wanted = false;
  let nextHost = 0;
  // Ends the attempt under way and the wait before the next.
  let attempts = new AbortController();

  /** False when it broke again before anybody could hear of it. */
  const adopt = (model: ChannelModel): boolean => {
    if (ended.has(model)) return false;
    current = model;
    backoff.reset();
    listener.up(model);
    for (const tell of waiting) tell(model);
    waiting.clear();
    return true;
  };

  const hear = (model: ChannelModel): void => {
    let cause: unknown;
    // Unheard, it would end the process; 'close' follows and tells the rest.
    model.on("error", (error: Error) => (cause = error));
    model.on("blocked", (reason: string) => current === model && listener.blocked(reason));
    model.on("unblocked", () => current === model && listener.unblocked());
    model.on("close", (error?: Error) => {
      ended.add(model);
      clock.schedule(closeGraceMs, () => destroy(model));
      if (current === model) lose(cause ?? error);
    });
  };

  const lose = (cause: unknown): void => {
    current = undefined;
    if (!wanted) return;
    listener.down(cause);
    void reconnect(attempts.signal);
  };

  const reconnect = async (signal: AbortSignal): Promise<void> => {
    // As the socket did: with neither it nor a timer that counts, Node would end in the middle of an outage.
    const alive = setInterval(() => undefined, 2 ** 30);
    try {
      await tryOn(signal);
    } finally {
      clearInterval(alive);
    }
  };
  const tryOn = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await pause(backoff.next(), signal);
      if (signal.aborted) return;
      const model = await openAny(signal).catch(() => undefined);
      if (model === undefined) continue;
      if (signal.aborted) return void endQuietly(model);
      if (adopt(model)) return;
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
  const openAny = async (signal: AbortSignal): Promise<ChannelModel> => {
    const { hosts } = options.address;
    let failure: MessagingError | undefined;
    for (let tried = 0; tried < hosts.length && !signal.aborted; tried += 1) {
      const host = hosts[nextHost % hosts.length];
      nextHost += 1;
      if (host === undefined) break;
      try {
        const model = await openHost(options, name, host, signal);
        hear(model);
        return model;
      } catch (error) {
        failure = toTransportError(error, `RabbitMQ at ${host.hostname}:${host.port} cannot be reached`);
        if (isAccessRefused(error)) break;
      }
    }
    throw failure ?? unavailableError(signal.reason);
  };

  const open = async (signal?: AbortSignal): Promise<void> => {
    if (current !== undefined) return;
    if (wanted) throw unavailableError();
    attempts = new AbortController();
    const { signal: given } = attempts;
    const give = (): void => attempts.abort(signal?.reason);
    signal?.addEventListener("abort", give, { once: true });
    try {
      const model = await openAny(given);
      if (given.aborted) {
        void endQuietly(model);
        throw unavailableError(given.reason);
      }
      if (!adopt(model)) throw unavailableError();
      wanted = true;
    } finally {
      signal?.removeEventListener("abort", give);
    }
  };

  const endQuietly = (model: ChannelModel): Promise<void> => end(model, clock);

  return {
    open,
    close: async () => {
      wanted = false;
      attempts.abort();
      const model = current;
      current = undefined;
      for (const tell of waiting) tell(undefined);
      waiting.clear();
      if (model !== undefined) await endQuietly(model);
    },
    model: () => current,
    whenUp: () => {
      if (current !== undefined) return Promise.resolve(current);
      if (!wanted) return Promise.resolve(undefined);
      return new Promise((resolve) => waiting.add(resolve));
    },
  };
}

async function openHost(
  options: ResolvedOptions,
  name: string,
  host: Host,
  signal: AbortSignal,
): Promise<ChannelModel> {
  const { address, connectTimeoutMs, clock } = options;
  // The socket hears its signal as long as it lives: one of its own, that is let go of when the connection stands.
  const attempt = new AbortController();
  const abort = (): void => attempt.abort();
  const late = Object.assign(new Error(`no answer within ${connectTimeoutMs} ms`), { code: "ETIMEDOUT" });
  const cancel = clock.schedule(connectTimeoutMs, () => attempt.abort(late));
  signal.addEventListener("abort", abort, { once: true });
  const { timeout: _idle, ...tls } = options.tls;
  const socketOptions = {
    ...(address.secure ? tls : {}),
    noDelay: true,
    keepAlive: true,
    signal: attempt.signal,
    clientProperties: { connection_name: `${options.connectionName} ${name}`, product: "postrider" },
  };
  try {
    return await connect(
      {
        protocol: address.secure ? "amqps" : "amqp",
        hostname: host.hostname,
        port: host.port,
        username: address.username,
        password: address.password,
        // amqplib decodes it once more.
        vhost: encodeURIComponent(address.vhost),
        heartbeat: options.heartbeatMs / 1_000,
      },
      socketOptions,
    );
  } catch (error) {
    throw attempt.signal.reason === late ? late : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
  }
}

async function end(model: ChannelModel, clock: ResolvedOptions["clock"]): Promise<void> {
  model.on("error", () => undefined);
  const cancel = clock.schedule(closeGraceMs, () => destroy(model));
  try {
    // Ends with the socket at the latest.
    await Promise.race([model.close(), closed(model)]);
  } catch {
    // It had ended already.
  } finally {
    cancel();
  }
  await socketClosed(model, clock);
}

function closed(model: ChannelModel): Promise<void> {
  return new Promise((resolve) => {
    model.once("close", () => resolve());
    socketOf(model)?.once("close", () => resolve());
  });
}

/** amqplib's close ends before its socket does. */
function socketClosed(model: ChannelModel, clock: ResolvedOptions["clock"]): Promise<void> {
  const socket = socketOf(model);
  if (socket === undefined || socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.schedule(closeGraceMs, () => socket.destroy());
    socket.once("close", () => {
      cancel();
      resolve();
    });
  });
}

function destroy(model: ChannelModel): void {
  socketOf(model)?.destroy();
}

/** amqplib ends its socket and never destroys it: to a peer that is gone it would stay open for minutes. */
function socketOf(model: ChannelModel): Duplex | undefined {
  const stream: unknown = Reflect.get(model.connection, "stream");
  return stream instanceof Duplex ? stream : undefined;
}
