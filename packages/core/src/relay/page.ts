import type { StoredEvent } from "../contracts/outbox.ts";
import type { CodedError } from "../contracts/failure.ts";
import type { PublishOutcome } from "../contracts/transport.ts";
import { encode, type ContentMode } from "../envelope/encode.ts";
import { MessagingError, toMessagingError } from "../errors.ts";
import { orderKeyOf } from "./order-key.ts";
import type { Sendable, Sender } from "./sender.ts";

/*
 * One page of the outbox on its way to the broker. Keys go side by side, the events of one key one after another:
 * what is confirmed of a key is always a prefix.
 */

/** What became of one event of a page. `blocked`: it waited behind an event of its key that did not pass. */
export type PageOutcome =
  | { readonly event: StoredEvent; readonly status: "confirmed" | "blocked" }
  | { readonly event: StoredEvent; readonly status: "refused"; readonly error: CodedError }
  | { readonly event: StoredEvent; readonly status: "broker-down"; readonly error: CodedError };

export interface PagePublisher {
  publish(events: readonly StoredEvent[]): Promise<readonly PageOutcome[]>;
}

export function createPagePublisher(sender: Sender, mode: ContentMode): PagePublisher {
  const publishRun = async (run: readonly StoredEvent[]): Promise<readonly PageOutcome[]> => {
    const { sendable, refused } = prefixThatEncodes(run, mode);
    const outcomes = await sender.sendRun(sendable);
    const judged = sendable.map(({ event }, index) => judge(event, outcomes[index]));
    return prefixOnly(run, refused === undefined ? judged : [...judged, refused]);
  };
  const publishSingles = async (events: readonly StoredEvent[]): Promise<readonly PageOutcome[]> => {
    const encoded = events.map((event) => encodeOne(event, mode));
    const sendable = encoded.filter(isSendable);
    const outcomes = await sender.sendBatch(sendable);
    const refused = encoded.flatMap((one) => (isSendable(one) ? [] : [one]));
    return [...sendable.map(({ event }, index) => judge(event, outcomes[index])), ...refused];
  };

  return {
    publish: async (events) => {
      const { runs, singles } = groupByKey(events);
      const parts = runs.map(publishRun);
      if (singles.length > 0) parts.push(publishSingles(singles));
      return (await Promise.all(parts)).flat();
    },
  };
}

/** Keys with several events are runs; everything else goes in one batch. */
function groupByKey(events: readonly StoredEvent[]): { runs: StoredEvent[][]; singles: StoredEvent[] } {
  const byKey = new Map<string, StoredEvent[]>();
  const singles: StoredEvent[] = [];
  for (const event of events) {
    if (event.key === undefined) {
      singles.push(event);
      continue;
    }
    const group = byKey.get(orderKeyOf(event));
    if (group === undefined) byKey.set(orderKeyOf(event), [event]);
    else group.push(event);
  }
  const runs: StoredEvent[][] = [];
  for (const group of byKey.values()) {
    if (group.length === 1) singles.push(...group);
    else runs.push(group);
  }
  return { runs, singles };
}

type Refused = Extract<PageOutcome, { readonly status: "refused" }>;

function encodeOne(event: StoredEvent, mode: ContentMode): Sendable | Refused {
  try {
    return { event, message: encode(event, mode) };
  } catch (error) {
    // The same bytes fail the next time too.
    return { event, status: "refused", error: toMessagingError(error, "CONTRACT_INVALID_EVENT") };
  }
}

function isSendable(one: Sendable | Refused): one is Sendable {
  return "message" in one;
}

function prefixThatEncodes(
  run: readonly StoredEvent[],
  mode: ContentMode,
): { sendable: Sendable[]; refused: Refused | undefined } {
  const sendable: Sendable[] = [];
  for (const event of run) {
    const one = encodeOne(event, mode);
    if (!isSendable(one)) return { sendable, refused: one };
    sendable.push(one);
  }
  return { sendable, refused: undefined };
}

/** The confirmed prefix of a run, the event that stopped it, and those that wait behind it. */
function prefixOnly(run: readonly StoredEvent[], judged: readonly PageOutcome[]): PageOutcome[] {
  const stop = judged.findIndex(({ status }) => status !== "confirmed");
  if (stop === -1) return [...judged];
  return [
    ...judged.slice(0, stop + 1),
    ...run.slice(stop + 1).map((event): PageOutcome => ({ event, status: "blocked" })),
  ];
}

function judge(event: StoredEvent, outcome: PublishOutcome | undefined): PageOutcome {
  if (outcome === undefined) return { event, status: "broker-down", error: unanswered };
  if (outcome.status === "confirmed") return { event, status: "confirmed" };
  return { event, status: outcome.scope === "message" ? "refused" : "broker-down", error: outcome.error };
}

const unanswered = new MessagingError("TRANSPORT_FAILED", "The transport gave no outcome for this message.");
