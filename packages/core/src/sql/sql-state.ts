/** How far down a chain of causes is looked: ORMs wrap the driver's error once or twice. */
const deepest = 8;

/**
 * The five characters that PostgreSQL gave as the reason, from the error or from a cause of it; undefined when the
 * server did not speak. Node's own codes (`ECONNRESET`) are longer, so they are not taken for one.
 */
export function sqlStateOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < deepest && typeof current === "object" && current !== null; depth += 1) {
    const { code, cause } = current as { readonly code?: unknown; readonly cause?: unknown };
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && code !== "EPIPE") return code;
    current = cause;
  }
  return undefined;
}

/** Serialization failure and deadlock: the whole transaction can succeed when it is run again. */
export function isRetryableState(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "40001" || state === "40P01";
}
