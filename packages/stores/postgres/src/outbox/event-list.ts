import { MessagingError, type SealedEvent } from "@postrider/core";
import { recordOf } from "./columns.ts";

/**
 * The longest text that is sent, in characters. Both sides could hold some more, but not much: a text of JavaScript ends
 * at 512 MiB, a value of PostgreSQL at 1 GiB, where a character takes up to three bytes.
 */
const maxCharacters = 256 * 1_024 * 1_024;

/**
 * The events as the JSON array that `append` sends.
 *
 * @throws MessagingError STORE_TOO_LARGE; from the sizes of the payloads alone, before any of them is copied, where
 * those are too much.
 */
export function eventList(events: readonly SealedEvent[]): string {
  const size = assertFits(events);
  const records: string[] = [];
  let characters = 0;
  for (const event of events) {
    const record = JSON.stringify(recordOf(event));
    characters += record.length + 1;
    if (characters > maxCharacters) throw tooLarge(size);
    records.push(record);
  }
  return `[${records.join(",")}]`;
}

/** Throws STORE_TOO_LARGE where the payloads alone are more than one statement takes; gives their size. */
export function assertFits(events: readonly SealedEvent[]): Size {
  const payloadBytes = events.reduce((sum, { payload }) => sum + (payload?.byteLength ?? 0), 0);
  const size = { events: events.length, payloadBytes };
  if ((payloadBytes / 3) * 4 > maxCharacters) throw tooLarge(size);
  return size;
}

interface Size {
  readonly events: number;
  readonly payloadBytes: number;
}

function tooLarge({ events, payloadBytes }: Size): MessagingError {
  const mebibytes = (payloadBytes / 1_024 / 1_024).toFixed(1);
  return new MessagingError(
    "STORE_TOO_LARGE",
    `The ${events} events of one transaction, with ${mebibytes} MiB of data, are more than the 256 MiB of JSON that one statement takes (192 MiB of data at most). ` +
      "Publish in batches, each in a transaction of its own; and keep what is large elsewhere, with a reference in the event.",
    { context: { events, payloadBytes, maxCharacters } },
  );
}
