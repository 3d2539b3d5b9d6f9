import { setTimeout as delay } from "node:timers/promises";

/** Resolves when `holds` does. @throws Error naming `what` when it does not within `timeoutMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number = 30_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`within ${timeoutMs} ms it did not come to this: ${what}`);
    await delay(20);
  }
}
