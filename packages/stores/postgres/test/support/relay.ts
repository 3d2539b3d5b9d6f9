import type { PageBounds, RelayLease, RelayStore, StoredEvent } from "@postrider/core";

/** The lease, or the reason why the test cannot go on. */
export async function lead(relay: RelayStore, owner = "one", leaseMs = 60_000): Promise<RelayLease> {
  const lease = await relay.acquire(owner, leaseMs);
  if (lease === undefined) throw new Error("The lease is held by another owner");
  return lease;
}

/** Reads and confirms until nothing is left; gives what was read, in order. */
export async function drain(relay: RelayStore, lease: RelayLease, limit = 500): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const page = await relay.read(lease, rows(limit));
    if (page.length === 0) return all;
    all.push(...page);
    await relay.confirm(lease, page);
  }
}

/** A page of so many rows, however large they are. */
export function rows(maxRows: number): PageBounds {
  return { maxRows, maxBytes: Number.MAX_SAFE_INTEGER };
}

export function ids(events: readonly { readonly id: string }[]): string[] {
  return events.map((event) => event.id);
}
