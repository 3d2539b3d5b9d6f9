/**
 * A UUID of version 7: it sorts by its milliseconds, and the rest is chance. Kept without a counter, and so without
 * state: the order of the events of one unit is the order in which they were recorded, and no matter of their ids.
 */
export function eventId(ms: number): string {
  const time = Math.max(0, Math.trunc(ms)).toString(16).padStart(12, "0").slice(-12);
  // Variant and random bits of version 4 stand where version 7 has them.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
