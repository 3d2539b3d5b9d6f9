import type { StreamEntry } from "../mapping.ts";
import { bytesOf, listOf, numberOf, textOf } from "./call.ts";

/** An entry, and in which of the streams asked for it stands, counted from 1 as scripts do. */
export interface Found {
  readonly place: number;
  readonly entry: StreamEntry;
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
