import type { Clock } from "../contracts/clock.ts";

/** The wait that a `Retry-After` header asks for, in seconds or until a date, at most `maxMs`; undefined for none. */
export function retryAfterMs(header: string | null, clock: Clock, maxMs: number): number | undefined {
  const text = header?.trim() ?? "";
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : waitUntil(text, clock);
  return wait === undefined ? undefined : Math.min(maxMs, Math.max(0, wait));
}

/** An HTTP-date of RFC 9110 in its preferred form, which is in English and in GMT. */
function waitUntil(text: string, clock: Clock): number | undefined {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : atMs - clock.now();
}
