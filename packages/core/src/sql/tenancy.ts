import type { PgClientLike } from "./pg-pool.ts";

/** The time a client of the pool is ours. */
export interface Tenancy {
  /** What broke the connection, or why it cannot be used again. */
  broken(): Error | undefined;
  blame(error: Error): void;
  /** Gives the client back, or has it destroyed. */
  end(): void;
}

/** A pool listens to its idle clients only: on a lent one an unheard `error` event would end the process. */
export function watchConnection(client: PgClientLike): Tenancy {
  let reason: Error | undefined;
  const blame = (error: Error): void => {
    reason ??= error;
  };
  client.on?.("error", blame);
  return {
    broken: () => reason,
    blame,
    end: () => {
      const status = statusOf(client);
      if (status !== undefined && status !== "I")
        blame(new Error(`The connection was left in state ${status}`));
      client.release(reason);
      client.removeListener?.("error", blame);
    },
  };
}

/** The server's own word after the last statement that it has answered; undefined where the library cannot tell. */
export function statusOf(client: PgClientLike): string | undefined {
  return client.getTransactionStatus?.() ?? undefined;
}
