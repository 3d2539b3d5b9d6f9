import type { Store } from "../../contracts/store.ts";
import type { Lifetime } from "./lifetime.ts";

/**
 * Whose fault it is that an attempt came to nothing: `abandoned`, somebody outside wanted it no more; `outage`, the
 * database is gone; `failed`, the handler's, and the attempt counts.
 */
export async function blame(
  thrown: unknown,
  lifetime: Lifetime,
  store: Store<unknown> | undefined,
): Promise<"abandoned" | "outage" | "failed"> {
  if (lifetime.abandoned()) return "abandoned";
  if (store === undefined || !soundsLikeOutage(thrown, store)) return "failed";
  // A refused connection of the handler's own, to some other server, looks the same: then the database itself is asked.
  return lifetime.threw(thrown) && (await answers(store)) ? "failed" : "outage";
}

function soundsLikeOutage(thrown: unknown, store: Store<unknown>): boolean {
  try {
    return store.isUnavailable?.(thrown) === true;
  } catch {
    return false; // an error that cannot even be looked at
  }
}

async function answers(store: Store<unknown>): Promise<boolean> {
  try {
    await store.transaction(() => Promise.resolve());
    return true;
  } catch {
    return false;
  }
}
