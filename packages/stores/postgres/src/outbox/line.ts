import { createHash, randomUUID } from "node:crypto";
import type { Clock, Logger } from "@postrider/core";
import type { Tables } from "../schema/tables.ts";
import { withDeadline } from "../connection/deadline.ts";
import { toError } from "../errors.ts";

/*
 * Between the processes that share an outbox: "there may be rows", by NOTIFY on a connection of our own. Inside the
 * transaction of the change it would make all commits of the database wait in one line. Losing one costs one poll.
 */

/** As much of a `Client` of pg as NOTIFY and LISTEN need. */
export interface NotifyConnection {
  /** Connects it. Called once. */
  connect(): Promise<unknown>;
  /** One statement after the other: `LISTEN`, `NOTIFY`, `SELECT 1`. */
  query(text: string): Promise<unknown>;
  /** What another process has said. */
  on(event: "notification", listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  /** The connection broke. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** The server ended it. */
  on(event: "end", listener: () => void): unknown;
  /** Ends it, also one that broke. */
  end(): Promise<void>;
  /** Lets the process end although it is open. */
  unref?(): void;
}

export interface Line {
  /** Tells the others, at once or with the next word that may go out. Never throws. */
  announce(): void;
  /** Begins to listen; a second call does nothing. */
  listen(): void;
  /** Resolves when the connection was ended, or did not end in a second. */
  close(): Promise<void>;
}

export interface LineParts {
  /** Makes a new connection that is not connected yet: one cannot be used twice. */
  readonly connection: () => NotifyConnection;
  readonly tables: Tables;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Called when another process has said something, and when it may have while nobody listened. */
  readonly onHeard: () => void;
}

/** One word in this time at most, whatever is committed. */
const quietMs = 20;
/** A dead connection is found out by asking: TCP alone says nothing of a host that is gone. */
const [beatEveryMs, answerMs] = [15_000, 5_000];
const [firstRetryMs, longestRetryMs] = [100, 5_000];

export function createLine({ connection, tables, logger, clock, onHeard }: LineParts): Line {
  const channel = channelOf(tables);
  const self = randomUUID();
  let current: NotifyConnection | undefined;
  let state: "idle" | "opening" | "open" | "closed" = "idle";
  let retryMs = firstRetryMs;
  let cancelRetry = (): void => {};
  let cancelBeat = (): void => {};
  let cancelQuiet: (() => void) | undefined;
  let unsaid = false;
  let last: Promise<unknown> = Promise.resolve();

  // One statement at a time, as a client of pg wants it.
  const ask = (client: NotifyConnection, text: string): Promise<unknown> => {
    const asked = last.then(() => withDeadline(clock, answerMs, client.query(text), () => {}));
    last = asked.catch(() => undefined);
    return asked;
  };
  const lose = (client: NotifyConnection, error: Error): void => {
    if (client !== current) return;
    current = undefined;
    cancelBeat();
    client.end().catch(() => undefined);
    if (state === "closed") return;
    if (retryMs === firstRetryMs)
      logger.warn(
        "The connection for LISTEN and NOTIFY broke; events are found by polling until it is back.",
        {
          reason: error.message,
        },
      );
    state = "idle";
    cancelRetry = clock.schedule(retryMs, () => void open());
    retryMs = Math.min(longestRetryMs, retryMs * 2);
  };
  const beat = (client: NotifyConnection): void => {
    cancelBeat = clock.schedule(beatEveryMs, () => {
      ask(client, "SELECT 1").then(
        () => client === current && beat(client),
        (error: unknown) => lose(client, toError(error)),
      );
    });
  };
  const open = async (): Promise<void> => {
    if (state !== "idle") return;
    state = "opening";
    const client = connection();
    current = client;
    client.on("error", (error) => lose(client, error));
    client.on("end", () => lose(client, new Error("the server ended it")));
    client.on("notification", ({ payload }) => {
      if (payload !== self) onHeard();
    });
    try {
      await withDeadline(clock, answerMs, Promise.resolve(client.connect()), () => {});
      await ask(client, `LISTEN ${channel}`);
    } catch (error) {
      lose(client, toError(error));
      return;
    }
    if (client === current) opened(client);
  };
  const opened = (client: NotifyConnection): void => {
    state = "open";
    retryMs = firstRetryMs;
    client.unref?.();
    beat(client);
    if (unsaid) say();
    // What was said while nobody listened.
    onHeard();
  };
  const say = (): void => {
    if (state !== "open" || current === undefined || cancelQuiet !== undefined) {
      unsaid = true;
      return;
    }
    const client = current;
    unsaid = false;
    cancelQuiet = clock.schedule(quietMs, () => {
      cancelQuiet = undefined;
      if (unsaid) say();
    });
    ask(client, `NOTIFY ${channel}, '${self}'`).catch((error: unknown) => lose(client, toError(error)));
  };

  return {
    announce: () => {
      void open();
      say();
    },
    listen: () => void open(),
    close: async () => {
      const client = current;
      state = "closed";
      current = undefined;
      for (const cancel of [cancelRetry, cancelBeat, cancelQuiet]) cancel?.();
      if (client !== undefined)
        await withDeadline(clock, 1_000, client.end(), () => {}).catch(() => undefined);
    },
  };
}

/** Of these tables alone, and short enough whatever they are called. */
function channelOf({ schema, prefix }: Tables): string {
  return `postrider_${createHash("sha256").update(`${schema}/${prefix}`).digest("hex").slice(0, 24)}`;
}
