import type { Logger } from "@postrider/core";

/** What befell connections that lay idle in the pool: nobody awaits those, so nobody could catch it. */
export interface IdleErrors {
  count(): number;
  stop(): void;
}

/**
 * Listens to a pool's `error` event. Without a listener the first broken idle connection would end the process; with
 * ours it is counted, and said to the logger unless the user listens too.
 */
export function hearIdleErrors(pool: object, logger: Logger): IdleErrors {
  let count = 0;
  const listener = (error: Error): void => {
    count += 1;
    if (isEmitter(pool) && pool.listenerCount("error") > 1) return;
    logger.warn("A connection that lay idle in the pool broke; the pool opens another when it needs one.", {
      error: error.message,
    });
  };
  if (isEmitter(pool)) pool.on("error", listener);
  return {
    count: () => count,
    stop: () => {
      if (isEmitter(pool)) pool.removeListener("error", listener);
    },
  };
}

interface Emitter {
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  listenerCount(event: "error"): number;
}

function isEmitter(pool: object): pool is Emitter {
  return "on" in pool && typeof pool.on === "function" && "listenerCount" in pool && "removeListener" in pool;
}
