import type { Message, MessageKind } from "../contracts/message.ts";
import type { CommandDraft, DraftOptions, EventDraft, QueryDraft } from "./draft.ts";

/** The four types behind a definition: what goes in, what handlers get, and the same of its reply. */
export interface DefinitionTypes<
  Input = unknown,
  Output = unknown,
  ReplyInput = unknown,
  ReplyOutput = unknown,
> {
  /** What a producer gives, and what travels. */
  readonly input: Input;
  /** What a handler gets. */
  readonly output: Output;
  readonly replyInput: ReplyInput;
  readonly replyOutput: ReplyOutput;
}

/** What all definitions share; the constraint of every parameter that takes one. */
export interface Definition<Kind extends MessageKind = MessageKind, Type extends string = string> {
  readonly kind: Kind;
  readonly type: Type;
  /** The address: topic, exchange, subject prefix or stream. */
  readonly channel: string;
  /** Types only. `| undefined` keeps exactOptionalPropertyTypes out of users' error messages. */
  readonly "~types"?: DefinitionTypes | undefined;
}

// Input and Output as types, not the schema: declaration files then need no schema library.
// `type` is repeated first, so that a wrong annotation is reported on it.

/** An integration event: its type, its schema, its key and its channel. Call it with data to get a draft. */
export interface EventDefinition<Type extends string, Input, Output = Input> extends Definition<
  "event",
  Type
> {
  readonly type: Type;
  /** A draft of the event, to be published; nothing is validated or sent yet. */
  (data: Input, options?: DraftOptions): EventDraft<Type, Input>;
  /** True for a received message of this type: narrows it. */
  is(message: unknown): message is Message<Type, Output>;
  /** For the compiler only: never set. */
  readonly "~types"?: DefinitionTypes<Input, Output, void, void> | undefined;
}
/** A command: one owner does it. */
export interface CommandDefinition<
  Type extends string,
  Input,
  Output = Input,
  ReplyInput = void,
  ReplyOutput = ReplyInput,
> extends Definition<"command", Type> {
  readonly type: Type;
  /** A draft of the request; nothing is validated or sent yet. */
  (data: Input, options?: DraftOptions): CommandDraft<Type, Input, ReplyOutput>;
  /** True for a message of this type, which then has the type's data. */
  is(message: unknown): message is Message<Type, Output>;
  /** For the compiler only: never set. */
  readonly "~types"?: DefinitionTypes<Input, Output, ReplyInput, ReplyOutput> | undefined;
}
/** A query: one owner answers it. */
export interface QueryDefinition<
  Type extends string,
  Input,
  Output,
  ReplyInput,
  ReplyOutput = ReplyInput,
> extends Definition<"query", Type> {
  readonly type: Type;
  /** A draft of the request; nothing is validated or sent yet. */
  (data: Input, options?: DraftOptions): QueryDraft<Type, Input, ReplyOutput>;
  /** True for a message of this type, which then has the type's data. */
  is(message: unknown): message is Message<Type, Output>;
  /** For the compiler only: never set. */
  readonly "~types"?: DefinitionTypes<Input, Output, ReplyInput, ReplyOutput> | undefined;
}

type TypesIn<D extends Definition> = NonNullable<D["~types"]>;
/** What `D(…)` takes, and what travels. */
export type InputOf<D extends Definition> = TypesIn<D>["input"];
/** What a handler of `D` gets as `data`. */
export type OutputOf<D extends Definition> = TypesIn<D>["output"];
/** What a handler of `D` returns. */
export type ReplyInputOf<D extends Definition> = TypesIn<D>["replyInput"];
/** What a request of `D` resolves to. */
export type ReplyOf<D extends Definition> = TypesIn<D>["replyOutput"];
// A conditional only for print: its result shows as `Message<"…", {…}>`, a plain alias as `MessageOf<EventDefinition<…>>`.
/** The message that a handler of `D` gets. */
export type MessageOf<D extends Definition> = D extends Definition ? Message<D["type"], OutputOf<D>> : never;
/** The event that a handler of `D` gets. */
export type EventOf<D extends Definition<"event">> = D extends Definition
  ? Message<D["type"], OutputOf<D>>
  : never;
