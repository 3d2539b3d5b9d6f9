import type { WorkQueue } from "../topology.ts";
import type { Fetched } from "./fetched.ts";
import type { Found } from "./entries.ts";
import { beginTenure, type OpenTenure } from "./tenure.ts";

/** What all owners of a stream are called at the server, so that who comes next finds what was given out. */
const ownerName = "owner";

/** One of the two streams of a share: the one that is published to, and the one of what comes again. */
export interface Source {
  readonly stream: string;
  /** From where it is read next: an id while there may be entries that were given out before, then `>`. */
  from: string;
  /** The last entry that was given out. */
  last: string;
}

/** One stream of an ordered group, as this member sees it. */
export interface Share {
  readonly queue: WorkQueue;
  readonly sources: readonly [Source, Source];
  /** While it is ours. */
  tenure: OpenTenure | undefined;
  /** Is being given to another member. */
  isLeaving: boolean;
  /** Seen without an owner so many times in a row. */
  timesFree: number;
}

export function createShare(queue: WorkQueue): Share {
  return {
    queue,
    sources: [
      { stream: queue.stream, from: "0", last: "0-0" },
      { stream: queue.retry, from: "0", last: "0-0" },
    ],
    tenure: undefined,
    isLeaving: false,
    timesFree: 0,
  };
}

/** It is ours from now on, and begins with what was given out before. */
export function begin(share: Share, last: readonly string[], isHeld: () => boolean): void {
  share.tenure = beginTenure(isHeld);
  share.isLeaving = false;
  for (const [index, source] of share.sources.entries()) {
    source.from = "0";
    source.last = last[index] ?? "0-0";
  }
}

export function isActive({ tenure, isLeaving }: Share): boolean {
  return tenure !== undefined && !isLeaving;
}

/**
 * Notes how far these streams were read. `found` stands in the order of reading; when less came than was asked for,
 * streams of which nothing came have nothing more of what was given out before.
 */
export function advance(shares: readonly Share[], found: readonly Found[], asked: number): void {
  for (const [index, share] of shares.entries()) {
    for (const [which, source] of share.sources.entries()) {
      const last = found.findLast(({ place }) => place === placeOfSource(index, which));
      if (last === undefined) {
        if (found.length < asked) source.from = ">";
      } else if (source.from === ">") source.last = last.entry.id;
      else source.from = last.entry.id;
    }
  }
}

/** Of each share the script is given the lease, the stream and the retry stream. */
function placeOfSource(share: number, which: number): number {
  return share * 3 + 2 + which;
}

/** What was found, with the share that it is of. */
export function fetchedFrom(shares: readonly Share[], found: readonly Found[]): readonly Fetched[] {
  return found.flatMap(({ place, entry }) => {
    const share = shares[Math.floor((place - 1) / 3)];
    const source = share?.sources[((place - 1) % 3) - 1];
    if (share?.tenure === undefined || source === undefined) return [];
    const { queue, tenure } = share;
    return [{ entry, queue, stream: source.stream, holder: ownerName, tenure }];
  });
}
