import type { PageBounds } from "../contracts/relay-store.ts";

/** How much the next read asks for. */
export interface Bounds {
  current(): PageBounds;
  /** A read failed: the next one asks for half, since a database may be too slow for the whole. */
  failed(): void;
  /** A read succeeded: the next one asks for twice as much, up to the whole. */
  passed(): void;
}

/** Not below one row, which every store gives however large it is. */
export function createBounds(whole: PageBounds): Bounds {
  let parts = 1;
  const part = (of: number) => Math.max(1, Math.ceil(of / parts));
  return {
    current: () => ({ maxRows: part(whole.maxRows), maxBytes: part(whole.maxBytes) }),
    failed: () => {
      if (part(whole.maxRows) > 1) parts *= 2;
    },
    passed: () => {
      parts = Math.max(1, parts / 2);
    },
  };
}

/** Of what a page may hold this part is the parked rows', however much waits in the outbox. */
const shareOfParked = 4;

/** What is left of a page for due rows beside these of the outbox: all the room that they leave, and never nothing. */
export function boundsBeside(
  fresh: readonly { readonly payload: Uint8Array | undefined }[],
  { maxRows, maxBytes }: PageBounds,
): PageBounds {
  const bytes = fresh.reduce((sum, { payload }) => sum + (payload?.byteLength ?? 0), 0);
  return {
    maxRows: Math.max(Math.ceil(maxRows / shareOfParked), maxRows - fresh.length),
    maxBytes: Math.max(Math.ceil(maxBytes / shareOfParked), maxBytes - bytes),
  };
}
