import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { MessageKind } from "../contracts/message.ts";

/** The hidden half of a definition: what the pipelines need of it. */
export interface DefinitionParts {
  readonly kind: MessageKind;
  readonly type: string;
  /** Where its messages go. */
  readonly channel: string;
  readonly schema: StandardSchemaV1;
  /** The schema of its answer; undefined for events, and for requests whose answer says nothing. */
  readonly reply: StandardSchemaV1 | undefined;
  /** Makes the ordering key of validated data; undefined for messages without one. */
  readonly key: ((data: unknown) => string) | undefined;
  readonly dataschema: string | undefined;
  /** Older types and forms that are lifted to this one. */
  readonly upcasts: readonly UpcastParts[];
  readonly description: string | undefined;
}
/** What an upcast is made of. */
export interface UpcastParts {
  /** The older type. */
  readonly from: string;
  /** Checks the old data before it is lifted; undefined for no check. */
  readonly schema: StandardSchemaV1 | undefined;
  /** Makes the data of today out of the old one. */
  readonly upcast: (old: unknown) => unknown;
}

const partsKey: unique symbol = Symbol.for("@postrider/core/definition");

/** Hangs the hidden half on a definition. */
export function hideParts(definition: object, parts: DefinitionParts): void {
  Object.defineProperty(definition, partsKey, { value: parts });
}

/** The hidden half of a definition; undefined for anything else. Holds over two copies of this package. */
export function partsOfDefinition(value: unknown): DefinitionParts | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null || !(partsKey in value)) {
    return undefined;
  }
  return value[partsKey] as DefinitionParts;
}
