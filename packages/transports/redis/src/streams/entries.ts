import type { StreamEntry } from "./entry.ts";
import { bytesOf, listOf, numberOf, textOf } from "./call.ts";

/** An entry, and in which of the streams asked for it stands, counted from 1 as scripts do. */
export interface Found {
  readonly place: number;
  readonly entry: StreamEntry;
}

/** Ids are a time and a number within it, neither of them padded. */
export function isBefore(one: string, other: string): boolean {
  const [oneMs = "", oneSeq = ""] = one.split("-");
  const [otherMs = "", otherSeq = ""] = other.split("-");
  return oneMs === otherMs ? isLess(oneSeq, otherSeq) : isLess(oneMs, otherMs);
}

/** Of whole numbers of any size, written without zeros in front. */
function isLess(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}

/** Of several streams, in the order in which the entries were added. */
export function inOrder(found: readonly Found[]): readonly Found[] {
  const isOneStream = found.every(({ place }) => place === found[0]?.place);
  if (isOneStream) return found;
  return found.toSorted((a, b) => (isBefore(a.entry.id, b.entry.id) ? -1 : 1));
}

/** What scripts answer: stream, id, fields and deliveries of each. */
export function foundIn(reply: unknown): readonly Found[] {
  return listOf(reply).map((one) => {
    const [place, id, fields, deliveries] = listOf(one);
    return {
      place: numberOf(place),
      entry: { id: textOf(id), fields: bytesOf(fields), deliveries: numberOf(deliveries) },
    };
  });
}

/** What XREADGROUP answers for new entries: of each stream its name, and of each entry its id and fields. */
export function readNewFrom(reply: unknown, streams: readonly string[]): readonly Found[] {
  return listOf(reply).flatMap((one) => {
    const [name, entries] = listOf(one);
    const place = streams.indexOf(textOf(name)) + 1;
    return listOf(entries).map((each) => {
      const [id, fields] = listOf(each);
      return { place, entry: { id: textOf(id), fields: bytesOf(fields), deliveries: 1 } };
    });
  });
}
