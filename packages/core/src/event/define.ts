import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { MessageKind } from "../contracts/message.ts";
import { problemOfAttribute } from "../envelope/attributes.ts";
import { OptionsError } from "../errors.ts";
import { problemsOfNames, type OptionNames } from "../options/names.ts";
import { defaultChannel, problemOfChannel } from "./channel.ts";
import type { CommandDefinition, EventDefinition, QueryDefinition } from "./definition.ts";
import type { DefinitionParts } from "./definition-parts.ts";
import { hideParts } from "./definition-parts.ts";
import { makeDraft, noOptions, type DraftOptions } from "./draft.ts";
import { isStandardSchema, type InferIn, type InferOut, type Travels } from "./schema.ts";
import type { Upcast } from "./upcast.ts";

/** What a definition is made of. */
export interface MessageOptions<S extends StandardSchemaV1> {
  /**
   * Any Standard Schema (zod, valibot, arktype, …), synchronous or not. Its INPUT travels, so it must be JSON: a string
   * that the schema turns into a Date, not a Date. Keys that the schema does not know travel too and reach consumers
   * only as far as their schema lets them.
   */
  readonly data: Travels<S>;
  /** Ordering key, from the validated data. Messages of one key keep their order. Default: none. */
  readonly key?: ((data: InferOut<S>) => string) | undefined;
  /** The address. Default: the type without its last two segments. */
  readonly channel?: string | undefined;
  /** CloudEvents `dataschema`: an absolute URI. Default: none. */
  readonly dataschema?: string | undefined;
  /** Older versions that a consumer of this definition lifts. */
  readonly upcast?: readonly Upcast<InferIn<S>>[] | undefined;
  /** For people and for AsyncAPI documents. */
  readonly description?: string | undefined;
}

/**
 * An integration event, to be called with its data: `OrderPlaced({ orderId })` is a draft to publish.
 * Name types `reverse.domain.context.what-happened.v1`; an incompatible change takes a new type.
 *
 * @throws OptionsError (CONFIG_INVALID) listing everything wrong with the options.
 */
export function defineEvent<const Type extends string, S extends StandardSchemaV1>(
  type: Type,
  options: MessageOptions<S>,
): EventDefinition<Type, InferIn<S>, InferOut<S>> {
  return define("event", type, options) as EventDefinition<Type, InferIn<S>, InferOut<S>>;
}

/**
 * A command for one owner. Without `reply` the reply is void: a request then resolves when the owner has done it.
 *
 * @throws OptionsError (CONFIG_INVALID) listing everything wrong with the options.
 */
export function defineCommand<
  const Type extends string,
  S extends StandardSchemaV1,
  R extends StandardSchemaV1 = StandardSchemaV1<void, void>,
>(
  type: Type,
  options: MessageOptions<S> & { readonly reply?: Travels<R> | undefined },
): CommandDefinition<Type, InferIn<S>, InferOut<S>, InferIn<R>, InferOut<R>> {
  return define("command", type, options) as CommandDefinition<
    Type,
    InferIn<S>,
    InferOut<S>,
    InferIn<R>,
    InferOut<R>
  >;
}

/**
 * A query to one owner, with the schema of its answer.
 *
 * @throws OptionsError (CONFIG_INVALID) listing everything wrong with the options.
 */
export function defineQuery<
  const Type extends string,
  S extends StandardSchemaV1,
  R extends StandardSchemaV1,
>(
  type: Type,
  options: MessageOptions<S> & { readonly reply: Travels<R> },
): QueryDefinition<Type, InferIn<S>, InferOut<S>, InferIn<R>, InferOut<R>> {
  return define("query", type, options) as QueryDefinition<
    Type,
    InferIn<S>,
    InferOut<S>,
    InferIn<R>,
    InferOut<R>
  >;
}

// The schema's own types are erased here: the public signatures above hold them.
type AnyOptions = {
  readonly [K in keyof MessageOptions<StandardSchemaV1>]?: unknown;
} & { readonly reply?: unknown };

function define(kind: MessageKind, type: string, options: AnyOptions): object {
  const parts = resolveParts(kind, type, options);
  const definition = (data: unknown, draftOptions: DraftOptions = noOptions) =>
    makeDraft(kind, type, data, { definition: parts, options: draftOptions });
  const is = (message: unknown): boolean =>
    typeof message === "object" && message !== null && "type" in message && message.type === type;
  hideParts(definition, parts);
  return Object.freeze(Object.assign(definition, { kind, type, channel: parts.channel, is }));
}

function resolveParts(kind: MessageKind, type: string, options: AnyOptions): DefinitionParts {
  const problems = problemsOf(kind, type, options);
  if (problems.length > 0) throw new OptionsError(`The definition of ${kind} '${type}'`, problems);
  return Object.freeze({
    kind,
    type,
    channel: (options.channel as string | undefined) ?? defaultChannel(type),
    schema: options.data as StandardSchemaV1,
    reply: options.reply as StandardSchemaV1 | undefined,
    key: options.key as ((data: unknown) => string) | undefined,
    dataschema: options.dataschema as string | undefined,
    upcasts: (options.upcast as readonly Upcast<unknown>[] | undefined) ?? [],
    description: options.description as string | undefined,
  });
}

const eventNames: OptionNames<MessageOptions<StandardSchemaV1>> = {
  data: true,
  key: true,
  channel: true,
  dataschema: true,
  upcast: true,
  description: true,
};
const requestNames: OptionNames<AnyOptions> = { ...eventNames, reply: true };

function problemsOf(kind: MessageKind, type: unknown, options: unknown): string[] {
  const problems: string[] = [];
  const channel = problemOfChannel(type);
  if (channel !== undefined) problems.push(`type: ${channel}`);
  if (typeof options !== "object" || options === null)
    return [...problems, "options: must be an object with 'data'"];
  const given = options as AnyOptions;
  problems.push(...problemsOfNames(given, kind === "event" ? eventNames : requestNames));
  if (!isStandardSchema(given.data))
    problems.push("data: must be a Standard Schema (zod, valibot, arktype, …)");
  if (given.channel !== undefined) {
    const problem = problemOfChannel(given.channel);
    if (problem !== undefined) problems.push(`channel: ${problem}`);
  }
  if (given.description !== undefined && typeof given.description !== "string")
    problems.push("description: must be a string");
  if (given.key !== undefined && typeof given.key !== "function")
    problems.push("key: must be a function of the data");
  if (given.reply !== undefined && !isStandardSchema(given.reply))
    problems.push("reply: must be a Standard Schema");
  if (kind === "query" && given.reply === undefined)
    problems.push("reply: a query needs the schema of its answer");
  // Here, once, so that sealing need not look at it again.
  const dataschema =
    given.dataschema === undefined ? undefined : problemOfAttribute("dataschema", given.dataschema);
  if (dataschema !== undefined) problems.push(dataschema);
  return [...problems, ...problemsOfUpcasts(given.upcast)];
}

function problemsOfUpcasts(upcasts: unknown): string[] {
  if (upcasts === undefined) return [];
  if (!Array.isArray(upcasts)) return ["upcast: must be an array of upcastFrom(…)"];
  const seen = new Set<unknown>();
  return upcasts.flatMap((upcast: Partial<Upcast<unknown>> | undefined, index) => {
    if (typeof upcast?.from !== "string" || typeof upcast.upcast !== "function") {
      return [`upcast[${index}]: must be made by upcastFrom or upcastFromType`];
    }
    const twice = seen.has(upcast.from);
    seen.add(upcast.from);
    return twice ? [`upcast[${index}]: '${upcast.from}' is lifted twice`] : [];
  });
}
