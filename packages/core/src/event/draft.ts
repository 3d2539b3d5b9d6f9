import type { MessageKind } from "../contracts/message.ts";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import { problemsOfOptions, type OptionNames } from "../options/names.ts";
import type { DefinitionParts } from "./definition-parts.ts";

/** What a definition decides by default and one message may decide for itself. */
export interface DraftOptions {
  /** Default: a UUIDv7 made when the draft is sealed. */
  readonly id?: string | undefined;
  /** Default: the definition's `key` of the validated data. */
  readonly key?: string | undefined;
  /**
   * CloudEvents `subject`: what the event is about, for subscribers that look at attributes only. Default
   * none.
   */
  readonly subject?: string | undefined;
  /** When it happened. Default: when the draft is sealed. */
  readonly time?: Date | undefined;
  /** Further CloudEvents attributes: names of `a-z0-9`, values string, boolean or 32-bit integer. */
  readonly extensions?: Readonly<Record<string, ExtensionValue>> | undefined;
  /** Default: the tenant of the message being handled, if any. */
  readonly tenant?: string | undefined;
}

/*
 * Drafts are what a definition returns when it is called: neither validated nor sealed yet, since a schema may be
 * asynchronous. `kind` stands first and every kind of draft, and the domain event, has the same three members: so the
 * only thing that the compiler can complain about is `kind`, in three lines.
 */

/** An event that waits to be published. */
export interface EventDraft<Type extends string = string, Input = unknown> {
  readonly kind: "event";
  readonly type: Type;
  /** As it was given: validated when the draft is sealed. */
  readonly data: Input;
}
/** A draft that somebody can answer: a command or a query. */
export interface RequestDraft<Reply = unknown> {
  readonly kind: "command" | "query";
  readonly type: string;
  readonly data: unknown;
  /** Types only. */
  readonly "~reply"?: Reply | undefined;
}
/** A command that waits to be sent. */
export interface CommandDraft<
  Type extends string = string,
  Input = unknown,
  Reply = unknown,
> extends RequestDraft<Reply> {
  readonly kind: "command";
  readonly type: Type;
  /** As it was given: validated when it is sealed. */
  readonly data: Input;
}
/** A query that waits to be asked. */
export interface QueryDraft<
  Type extends string = string,
  Input = unknown,
  Reply = unknown,
> extends RequestDraft<Reply> {
  readonly kind: "query";
  readonly type: Type;
  /** As it was given: validated when it is sealed. */
  readonly data: Input;
}

/** What a draft carries besides what its type shows. */
export interface DraftParts {
  readonly definition: DefinitionParts;
  readonly options: DraftOptions;
}

/** Of a draft that decides nothing for itself. */
export const noOptions: DraftOptions = Object.freeze({});

const draftNames: OptionNames<DraftOptions> = {
  id: true,
  key: true,
  subject: true,
  time: true,
  extensions: true,
  tenant: true,
};

const partsKey: unique symbol = Symbol.for("@postrider/core/draft");

/**
 * Makes a draft; its hidden half travels with it over two copies of this package.
 *
 * @throws OptionsError (CONFIG_INVALID) for options of other names; what they hold is checked when it is sealed.
 */
export function makeDraft<Kind extends MessageKind, Type extends string, Input>(
  kind: Kind,
  type: Type,
  data: Input,
  parts: DraftParts,
): { readonly kind: Kind; readonly type: Type; readonly data: Input } {
  if (parts.options !== noOptions) assertOptions(type, parts.options);
  const draft = { kind, type, data };
  Object.defineProperty(draft, partsKey, { value: parts });
  return Object.freeze(draft);
}

function assertOptions(type: string, options: unknown): void {
  const problems = problemsOfOptions(options, draftNames);
  if (problems.length > 0) throw new OptionsError(`The draft of '${type}'`, problems);
}

/** The same event with another ordering key. */
export function withKey(draft: EventDraft, verb: string, key: string): EventDraft {
  const { definition, options } = partsOfDraft(draft, verb, "event");
  return makeDraft("event", draft.type, draft.data, { definition, options: { ...options, key } });
}

/** True for what a definition returned, of whatever kind. */
export function isDraft(value: unknown): boolean {
  return typeof value === "object" && value !== null && partsKey in value;
}

/** The hidden half of a draft. Says what was passed instead when it is none: types can be got around. */
export function partsOfDraft(draft: unknown, verb: string, kind: MessageKind): DraftParts {
  if (typeof draft !== "object" || draft === null || !(partsKey in draft)) throw notADraft(draft, verb);
  const parts = draft[partsKey] as DraftParts;
  if (parts.definition.kind !== kind) {
    throw new MessagingError(
      "USAGE_WRONG_KIND",
      `'${parts.definition.type}' is a ${parts.definition.kind}, and ${verb} takes ${kind === "event" ? "an event" : `a ${kind}`}.`,
      { context: { type: parts.definition.type, kind: parts.definition.kind } },
    );
  }
  return parts;
}

function notADraft(value: unknown, verb: string): MessagingError {
  if (typeof value === "object" && value !== null && "kind" in value && value.kind === "domain-event") {
    return new MessagingError(
      "USAGE_DOMAIN_EVENT_NOT_PUBLISHABLE",
      `${verb} was given a domain event, which never leaves the service: map it to an integration event.`,
      { context: { type: "type" in value ? value.type : undefined } },
    );
  }
  const said =
    typeof value === "function"
      ? "a definition: call it with the data, as in OrderPlaced({ … })"
      : `${value === null ? "null" : typeof value}, not the draft that a definition returns`;
  return new MessagingError("USAGE_WRONG_KIND", `${verb} was given ${said}.`);
}
