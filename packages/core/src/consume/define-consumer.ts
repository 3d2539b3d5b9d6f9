import type { CapabilityName } from "../contracts/capabilities.ts";
import type { Catalog } from "../event/catalog.ts";
import { partsOfDefinition, type DefinitionParts } from "../event/definition-parts.ts";
import { MessagingError, OptionsError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames } from "../options/names.ts";
import { whatItIs } from "../what-it-is.ts";
import type { UntypedTransaction } from "../work/untyped.ts";
import type {
  BatchOptions,
  ConsumerBuilder,
  ConsumerOptions,
  ResolvedConsumer,
  Route,
  StartAt,
} from "./definition.ts";
import { assertConsumerOptions, resolveConsumer } from "./resolve.ts";

/**
 * A consumer: its name is its consumer group, its handlers are added with `on`. Nothing runs before
 * `messaging.consume(consumer)`. `defineConsumer("shipping", { store })` infers everything;
 * `defineConsumer<PoolClient>("shipping", { … })` names the transaction, and its needs are then checked at the start,
 * because TypeScript infers all type arguments or none.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function defineConsumer<
  Tx = UntypedTransaction,
  const Ordering extends "none" | "key" = "none" | "key",
  const Start extends StartAt = StartAt,
  const Members extends "share" | "each" = "share" | "each",
>(
  name: string,
  options?: ConsumerOptions<Tx, Ordering, Start, Members>,
): ConsumerBuilder<
  Tx,
  never,
  | ([Ordering] extends ["key"] ? "orderingScope" : never)
  | ([Start] extends ["beginning" | Date] ? "replay" : never)
  | ([Members] extends ["each"] ? "fanOut" : never)
> {
  const asked: unknown = options === undefined ? {} : options;
  assertConsumerOptions(name, asked);
  const given = { ...(asked as AnyOptions) };
  // The builder's types say what its values are; they cannot be inferred through an erased map of routes.
  return build(name, given, new Map()) as never;
}

type AnyOptions = ConsumerOptions<unknown, "none" | "key", StartAt, "share" | "each">;

const hidden: unique symbol = Symbol.for("@postrider/core/consumer");

/** What a consumer value holds, for the one who runs it. */
export function resolvedConsumer(consumer: unknown): ResolvedConsumer {
  if (typeof consumer === "object" && consumer !== null && hidden in consumer)
    return consumer[hidden] as ResolvedConsumer;
  throw new MessagingError("USAGE_WRONG_KIND", "consume takes what defineConsumer returned.");
}

function build(name: string, options: AnyOptions, routes: ReadonlyMap<string, Route>): object {
  const next = (added: readonly Route[]) => build(name, options, withRoutes(name, routes, added));
  const builder = {
    name,
    needs: needsOf(options),
    on: (definition: unknown, handler: unknown) =>
      next([{ mode: "single", parts: partsOrRefuse(name, definition), handler: fn(name, handler) }]),
    onEach: (definitions: readonly unknown[], handler: unknown) =>
      next(
        listOrRefuse(name, definitions).map((one) => ({
          mode: "single",
          parts: partsOrRefuse(name, one),
          handler: fn(name, handler),
        })),
      ),
    onBatch: (definition: unknown, handler: unknown, batch: BatchOptions = {}) =>
      next([
        {
          mode: "batch",
          parts: eventParts(name, definition),
          handler: fn(name, handler),
          ...resolveBatch(name, batch),
        },
      ]),
    ignore: (definition: unknown) => next([{ mode: "ignore", parts: partsOrRefuse(name, definition) }]),
    exhaustive: (catalog: Catalog) => {
      const missing = typesOrRefuse(name, catalog).filter((type) => !routes.has(type));
      if (missing.length > 0)
        throw new OptionsError(
          `The consumer '${name}'`,
          missing.map((type) => `no handler for '${type}'`),
        );
      return builder;
    },
  };
  // Resolved when it is consumed: a consumer is often a module's constant, and most values of a chain are never run.
  Object.defineProperty(builder, hidden, { get: () => resolveConsumer(name, options, routes) });
  return Object.freeze(builder);
}

function withRoutes(
  name: string,
  routes: ReadonlyMap<string, Route>,
  added: readonly Route[],
): Map<string, Route> {
  const all = new Map(routes);
  for (const route of added) {
    const { type } = route.parts;
    if (all.has(type)) throw duplicateHandler(name, type, `already handles '${type}'`);
    refuseSecondLift(name, all, route);
    all.set(type, route);
  }
  return all;
}

/** An older type that two definitions lift would go to one of them, and to which nobody said. */
function refuseSecondLift(name: string, routes: ReadonlyMap<string, Route>, added: Route): void {
  for (const { parts } of routes.values()) {
    const both = parts.upcasts.find((one) => added.parts.upcasts.some((other) => other.from === one.from));
    if (both === undefined) continue;
    throw duplicateHandler(
      name,
      both.from,
      `would lift '${both.from}' twice: to '${parts.type}' and to '${added.parts.type}'`,
    );
  }
}

function duplicateHandler(name: string, type: string, said: string): MessagingError {
  return new MessagingError("USAGE_DUPLICATE_HANDLER", `The consumer '${name}' ${said}.`, {
    context: { consumer: name, type },
  });
}

function needsOf(options: AnyOptions): CapabilityName[] {
  const needs: CapabilityName[] = [];
  if (options.ordering === "key") needs.push("orderingScope");
  if (options.startAt === "beginning" || options.startAt instanceof Date) needs.push("replay");
  if (options.members === "each") needs.push("fanOut");
  return needs;
}

function partsOrRefuse(name: string, definition: unknown): DefinitionParts {
  const parts = partsOfDefinition(definition);
  if (parts !== undefined) return parts;
  throw wrongKind(name, definition, "a definition belongs (defineEvent, defineCommand, defineQuery)");
}

function listOrRefuse(name: string, definitions: unknown): readonly unknown[] {
  if (Array.isArray(definitions)) return definitions;
  throw wrongKind(name, definitions, "an array of definitions belongs");
}

function typesOrRefuse(name: string, catalog: Catalog | undefined): readonly string[] {
  const types: unknown = catalog?.types;
  if (catalog !== undefined && types instanceof Set) return [...catalog.types];
  throw wrongKind(name, catalog, "a catalog belongs (defineCatalog)");
}

function wrongKind(name: string, given: unknown, wanted: string): MessagingError {
  return new MessagingError(
    "USAGE_WRONG_KIND",
    `The consumer '${name}' was given ${whatItIs(given)} where ${wanted}.`,
  );
}

function eventParts(name: string, definition: unknown): DefinitionParts {
  const parts = partsOrRefuse(name, definition);
  if (parts.kind === "event") return parts;
  throw new MessagingError(
    "USAGE_WRONG_KIND",
    `The consumer '${name}' cannot take '${parts.type}' in batches: a ${parts.kind} is answered one by one.`,
  );
}

function fn(name: string, handler: unknown): never {
  if (typeof handler === "function") return handler as never;
  throw wrongKind(name, handler, "a handler belongs");
}

function resolveBatch(name: string, batch: BatchOptions): { maxSize: number; maxWaitMs: number } {
  const what = `The batch of consumer '${name}'`;
  if (!isOptions(batch)) throw new OptionsError(what, [noObject]);
  const { maxSize = 50, maxWaitMs = 20 } = batch;
  const problems = problemsOfNames(batch, { maxSize: true, maxWaitMs: true });
  if (!Number.isInteger(maxSize) || maxSize < 1 || maxSize > 10_000)
    problems.push("maxSize: must be a whole number from 1 to 10,000");
  if (!(Number.isFinite(maxWaitMs) && maxWaitMs >= 0))
    problems.push("maxWaitMs: must be 0 or more milliseconds");
  if (problems.length > 0) throw new OptionsError(what, problems);
  return { maxSize, maxWaitMs };
}
