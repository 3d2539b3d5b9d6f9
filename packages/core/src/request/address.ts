import type { MessageKind } from "../contracts/message.ts";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import { MessagingError } from "../errors.ts";
import { problemOfChannel } from "../event/channel.ts";
import {
  makeDraft,
  partsOfDraft,
  type CommandDraft,
  type EventDraft,
  type QueryDraft,
  type RequestDraft,
} from "../event/draft.ts";

/*
 * Where requests go and where answers come back. An owner has one channel for all that is asked of it, named after its
 * consumer group; so a request reaches one group, whatever its type. Answers of all share a channel, and each asker reads
 * its own: their type is the asker's address.
 */

/** The channel of what is asked of this consumer. */
export function requestChannel(owner: string): string {
  return `postrider.requests.${owner}`;
}

/** The channel of all answers. */
export const replyChannel = "postrider.replies";

/** The CloudEvents extension of a request that somebody waits for: the asker's address. */
const replyTo = "replyto";
/** The CloudEvents extension of an answer that says why there is none: a code of the table of errors. */
export const replyError = "replyerror";

/** What makes one request: its owner, and what the asker adds. */
export interface Addressing {
  readonly to: string;
  readonly key?: string | undefined;
  /** Of a request that somebody waits for. */
  readonly asker?: { readonly id: string; readonly address: string } | undefined;
}

/**
 * The draft of a command or query as one that can be sealed like any other, on its owner's channel.
 *
 * @throws MessagingError USAGE_WRONG_KIND for another kind of draft, and for what is none.
 */
export function addressed(
  draft: RequestDraft | CommandDraft | QueryDraft,
  verb: string,
  kinds: readonly MessageKind[],
  { to, key, asker }: Addressing,
): EventDraft {
  const kind = kinds.find((one) => one === (draft as { readonly kind?: unknown } | undefined)?.kind);
  const { definition, options } = partsOfDraft(draft, verb, kind ?? kinds[0] ?? "command");
  const extensions: Record<string, ExtensionValue> = { ...options.extensions };
  if (asker !== undefined) extensions[replyTo] = asker.address;
  return makeDraft("event", draft.type, draft.data, {
    definition: { ...definition, kind: "event", channel: requestChannel(to) },
    options: { ...options, id: asker?.id ?? options.id, key: key ?? options.key, extensions },
  });
}

/** What is wrong with the name of an owner. */
export function problemsOfOwner(to: unknown): string[] {
  if (to === undefined) return ["to: must name the consumer that owns this"];
  const problem = typeof to === "string" ? problemOfChannel(requestChannel(to)) : "must be a string";
  return problem === undefined ? [] : [`to: ${problem}`];
}

/** Somebody waits for an answer to this message; undefined for all others. */
export function askerOf(extensions: Readonly<Record<string, unknown>>): string | undefined {
  const address = extensions[replyTo];
  return typeof address === "string" && problemOfChannel(address) === undefined ? address : undefined;
}

/** @throws MessagingError USAGE_INSIDE_TRANSACTION inside a unit of work. */
export function refuseWaitingInside(inside: boolean): void {
  if (!inside) return;
  throw new MessagingError(
    "USAGE_INSIDE_TRANSACTION",
    "request was called inside a unit of work: its transaction would stay open, with all its locks, until somebody else answers. Ask before it begins, or send a command and hear of the outcome by an event.",
  );
}
