import type { OutgoingMessage } from "@postrider/core";
import type { TransportHarness } from "../harness.ts";
import { outgoing, outgoingOfSize } from "./message.ts";

/** The largest message to prove, where there is one. */
function largestBytes(harness: TransportHarness): number | undefined {
  const bytes = harness.limits?.maxMessageBytes ?? harness.capabilities.maxMessageBytes;
  return bytes === 0 ? undefined : bytes;
}

/** Why no single message can be made to be refused; undefined when one can. */
export function lacksRefusal(harness: TransportHarness): string | undefined {
  if (harness.refused !== undefined || largestBytes(harness) !== undefined) return undefined;
  return "nothing makes this broker refuse a single message: give limits.maxMessageBytes or refused";
}

/** Why there is no limit of size to prove; undefined when there is one. */
export function lacksLimit(harness: TransportHarness): string | undefined {
  if (largestBytes(harness) !== undefined) return undefined;
  return "only the broker knows its largest message: give limits.maxMessageBytes";
}

/** A message that the broker refuses while others pass. */
export function refusedMessage(harness: TransportHarness, channel: string, key?: string): OutgoingMessage {
  if (harness.refused !== undefined) return { ...harness.refused(channel), key };
  return tooLarge(harness, channel, key);
}

/** One byte more than the broker takes, give or take its framing. */
export function tooLarge(harness: TransportHarness, channel: string, key?: string): OutgoingMessage {
  const limit = largestBytes(harness);
  if (limit === undefined) return outgoing(channel, { key });
  return outgoingOfSize(channel, limit + (harness.limits?.maxMessageSlackBytes ?? 0) + 1, { key });
}

/** As much as the broker takes, give or take its framing. */
export function justFits(harness: TransportHarness, channel: string): OutgoingMessage {
  const limit = largestBytes(harness) ?? 65_536;
  return outgoingOfSize(channel, limit - (harness.limits?.maxMessageSlackBytes ?? 0));
}
