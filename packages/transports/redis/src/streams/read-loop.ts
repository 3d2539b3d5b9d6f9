import type { Clock } from "@postrider/core";
import type { Redis } from "ioredis";
import { isMissing } from "../errors.ts";
import type { ResolvedOptions } from "../options.ts";
import { createBackoff } from "./backoff.ts";
import { type Argument, command, numberOf } from "./call.ts";
import { createLink, type Link } from "./link.ts";

/** Reads on a connection of its own, which blocks: again and again, over as many connections as it takes. */
export interface ReadLoop {
  /** Rejects when the connection cannot be had. */
  open(): Promise<void>;
  /** Something that a turn waits for may have changed. */
  wake(): void;
  /** Lets go of a read that waits for messages. */
  interrupt(): void;
  /** Gives the connection up; the next one begins with `prepare`. */
  restart(cause: unknown): void;
  /** Resolves when nothing is read any more. */
  close(): Promise<void>;
}

export interface ReadLoopParts {
  readonly options: ResolvedOptions;
  /** Commands that do not block go there. */
  readonly consuming: Link;
  /** Runs on each connection before the first turn. */
  readonly prepare: (client: Redis) => Promise<void>;
  /** Whether there is a use in a turn now. */
  readonly mayRead: () => boolean;
  /** One turn: reads once. */
  readonly turn: (client: Redis, block: Block) => Promise<void>;
  /** The group is gone: makes it anew. */
  readonly rebind: (cause: unknown) => Promise<void>;
  /** A turn failed for another reason than the connection; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** Runs a command that waits at the server for up to `waitMs`. */
export type Block = (name: string, args: readonly Argument[]) => Promise<unknown>;

/** How long one read waits at the server: the peer is given up when nothing came for twice the heartbeat. */
export function waitMsOf({ heartbeatMs }: ResolvedOptions): number {
  return Math.min(heartbeatMs, 5_000);
}

/** A read that is let go of comes back in a moment, where the peer lives and the user may. */
const endGraceMs = 1_000;
const interruptEveryMs = 20;

export function createReadLoop(parts: ReadLoopParts): ReadLoop {
  const { options, consuming, prepare, mayRead, turn, rebind, onFailure } = parts;
  const { clock } = options;
  const backoff = createBackoff(100, 10_000);
  let ended = false;
  let running: Promise<void> = Promise.resolve();
  let clientId = 0;
  let waiting: (() => void) | undefined;

  const link = createLink(options, "reading", {
    up: (client) => {
      const before = running;
      running = before.then(() => loop(client));
    },
    // What was under way fails, and the loop with it.
    down: () => wake(),
  });
  const isLive = (client: Redis): boolean => !ended && link.client() === client;

  const loop = async (client: Redis): Promise<void> => {
    let isPrepared = false;
    while (isLive(client)) {
      try {
        if (!isPrepared) {
          clientId = numberOf(await command(client, "CLIENT", ["ID"]));
          await prepare(client);
          isPrepared = true;
        }
        if (mayRead()) await turn(client, (name, args) => block(client, name, args));
        else if (isLive(client)) await new Promise<void>((resolve) => (waiting = resolve));
        backoff.reset();
      } catch (error) {
        if (isLive(client)) await mend(error);
      }
    }
  };
  const mend = async (error: unknown): Promise<void> => {
    try {
      if (isMissing(error)) await rebind(error);
      else onFailure(error);
    } catch (failure) {
      onFailure(failure);
    }
    if (!ended) await pause(backoff.next());
  };
  /** A wake-up ends it early. */
  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.schedule(delayMs, resolve);
      waiting = () => {
        cancel();
        resolve();
      };
    });
  const wake = (): void => {
    const go = waiting;
    waiting = undefined;
    go?.();
  };

  const block: (client: Redis, name: string, args: readonly Argument[]) => Promise<unknown> = async (
    client,
    name,
    args,
  ) => {
    const endWatch = watch(clock, waitMsOf(options), options.heartbeatMs, () =>
      link.drop(client, Object.assign(new Error("a blocking read was not answered"), { code: "ETIMEDOUT" })),
    );
    try {
      return await command(client, name, args);
    } finally {
      endWatch();
    }
  };

  const interrupt = (): void => {
    const client = consuming.client();
    if (client === undefined || link.client() === undefined || clientId === 0) return;
    // Who may not do that waits until the read ends by itself.
    command(client, "CLIENT", ["UNBLOCK", clientId]).catch(() => undefined);
  };

  /** A read that was on its way to the server did not wait there yet. */
  const interruptAgain = (): (() => void) => {
    interrupt();
    let cancel = clock.schedule(interruptEveryMs, () => (cancel = interruptAgain()));
    return () => cancel();
  };

  return {
    open: () => link.open(),
    wake,
    interrupt,
    restart: (cause) => {
      const client = link.client();
      if (client !== undefined) link.drop(client, cause);
    },
    close: async () => {
      ended = true;
      wake();
      const endInterrupts = interruptAgain();
      const cancel = clock.schedule(endGraceMs, () => void link.close());
      await running;
      endInterrupts();
      cancel();
      await link.close();
    },
  };
}

/** Calls `silent` when `waitMs` and then `graceMs` pass without an end; not for a time in which this process itself stood. */
function watch(clock: Clock, waitMs: number, graceMs: number, silent: () => void): () => void {
  let cancel = (): void => undefined;
  const arm = (delayMs: number): void => {
    const dueMs = clock.monotonicMs() + delayMs;
    cancel = clock.schedule(delayMs, () => {
      const isLate = clock.monotonicMs() - dueMs > graceMs / 2;
      if (isLate) arm(graceMs);
      else silent();
    });
  };
  arm(waitMs + graceMs);
  return () => cancel();
}
