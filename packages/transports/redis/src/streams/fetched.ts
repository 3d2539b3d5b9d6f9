import type { StreamEntry } from "./entry.ts";
import type { WorkQueue } from "../topology.ts";

/** The time in which entries are ours: it ends with the connection, with the lease, or with the subscription. */
export interface Tenure {
  live(): boolean;
}

/** An entry that is ours for now. */
export interface Fetched {
  readonly entry: StreamEntry;
  readonly queue: WorkQueue;
  /** The stream it was read from: that of the queue, or its retry stream. */
  readonly stream: string;
  /** The server's name of who has it. */
  readonly holder: string;
  readonly tenure: Tenure;
}

/** Where an entry is, as one text. */
export function placeOf({ stream, entry }: Fetched): string {
  return `${stream} ${entry.id}`;
}

/** What only this group reads need not be kept once it is acknowledged. */
export function isOwnOf({ stream, queue }: Pick<Fetched, "stream" | "queue">): boolean {
  return stream === queue.retry || queue.kind === "dead-letters";
}
