import { AsyncLocalStorage } from "node:async_hooks";

/** Where a message comes from: inherited by everything that is published while another message is handled. */
export interface Lineage {
  /** The id that all messages of one conversation share. */
  readonly correlationid: string;
  /** The id of the message that caused this one. */
  readonly causationid: string;
  readonly tenant: string | undefined;
}

/** The lineage of whatever runs now. One per messaging, so that two services in one process do not mix. */
export interface LineageScope {
  current(): Lineage | undefined;
  run<R>(lineage: Lineage, work: () => R): R;
}

export function createLineageScope(): LineageScope {
  const storage = new AsyncLocalStorage<Lineage>();
  return { current: () => storage.getStore(), run: (lineage, work) => storage.run(lineage, work) };
}
