import type { PageBounds } from "../../../src/contracts/relay-store.ts";
import type { SealedEvent } from "../../../src/contracts/sealed-event.ts";
import type { MemoryStore } from "../../../src/memory/store/store.ts";

export function sealed(id: string, parts: Partial<SealedEvent> = {}): SealedEvent {
  return {
    id,
    source: "/test",
    type: "com.acme.orders.order-placed.v1",
    specversion: "1.0",
    time: "2026-01-01T00:00:00Z",
    subject: undefined,
    contentType: "application/json",
    dataschema: undefined,
    channel: "com.acme.orders",
    key: undefined,
    shard: 0,
    payload: Buffer.from(`{"id":"${id}"}`),
    extensions: {},
    traceparent: undefined,
    tracestate: undefined,
    tenant: undefined,
    ...parts,
  };
}

export async function commit(store: MemoryStore, ...events: readonly SealedEvent[]): Promise<void> {
  await store.transaction(async (tx) => store.outbox.append(tx, events));
}

/** A page of so many rows, however large they are. */
export const rows = (maxRows: number): PageBounds => ({ maxRows, maxBytes: Number.MAX_SAFE_INTEGER });

export const idsOf = (events: readonly SealedEvent[]): readonly string[] => events.map(({ id }) => id);

/** A promise, and the function that fulfils it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Lets every promise that can settle do so. */
export async function flushed(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
