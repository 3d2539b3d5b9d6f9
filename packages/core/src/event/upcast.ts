import type { Definition, OutputOf } from "./definition.ts";
import type { UpcastParts } from "./definition-parts.ts";
import { partsOfDefinition } from "./definition-parts.ts";

/** One older version of a message: what it becomes is the input of the newer definition, and is validated as such. */
export interface Upcast<Input> extends UpcastParts {
  /** Types only. */
  readonly "~becomes"?: Input | undefined;
}

/** Lifts messages of an older definition. `old` has passed the older schema; the result must pass the newer one. */
export function upcastFrom<D extends Definition, Input>(
  older: D,
  upcast: (old: OutputOf<D>) => Input | Promise<Input>,
): Upcast<Input> {
  return {
    from: older.type,
    schema: partsOfDefinition(older)?.schema,
    upcast: (old) => upcast(old),
  };
}

/** Lifts messages of an older type whose definition is gone: `old` is unknown. */
export function upcastFromType<Input>(
  type: string,
  upcast: (old: unknown) => Input | Promise<Input>,
): Upcast<Input> {
  return { from: type, schema: undefined, upcast };
}
