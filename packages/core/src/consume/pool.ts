import type { Logger } from "../contracts/logger.ts";
import type { Store } from "../contracts/store.ts";

/*
 * Each running handler holds one connection of the database pool, and so does the relay. A pool that is smaller slows
 * everything down in a way that looks like slow handlers, so it is said.
 */

/** What the consumers of one messaging need of the pool. */
export interface PoolCheck {
  /** Warns when all that may run at once needs more connections than there are. The returned function takes it out again. */
  add(consumer: string, concurrency: number): () => void;
}

export function createPoolCheck(
  store: Pick<Store<unknown>, "poolSize"> | undefined,
  /** Connections for what is no handler: the relay, and what the service does besides. */
  others: number,
  logger: Logger,
): PoolCheck {
  const running = new Map<string, number>();
  return {
    add: (consumer, concurrency) => {
      running.set(consumer, concurrency);
      const needed = [...running.values()].reduce((sum, each) => sum + each, others);
      const poolSize = store?.poolSize;
      if (poolSize !== undefined && poolSize < needed)
        logger.warn(
          `The database pool has ${poolSize} connections, and ${needed} may be needed at once: one for each handler at work, for the relay, and one to spare. Set its max to ${needed} or more, or lower the concurrency of the consumers`,
          { consumer, concurrency, poolSize, needed },
        );
      return () => void running.delete(consumer);
    },
  };
}

/** What to add to the news that a handler took too long, when nobody can get a connection. */
export function hintOfPool(store: Pick<Store<unknown>, "poolWaiting"> | undefined): string {
  const waiting = store?.poolWaiting?.() ?? 0;
  if (waiting === 0) return "";
  return ` All connections of the database pool were taken, and ${waiting} waited for one: the pool is too small, or handlers ask it for a second connection beside their 'tx'.`;
}
