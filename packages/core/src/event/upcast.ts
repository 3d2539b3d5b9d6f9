import { OptionsError } from "../errors.ts";
import type { Definition, OutputOf } from "./definition.ts";
import type { UpcastParts } from "./definition-parts.ts";
import { partsOfDefinition } from "./definition-parts.ts";

/** One older version of a message: what it becomes is the input of the newer definition, and is validated as such. */
export interface Upcast<Input> extends UpcastParts {
  /** Types only. */
  readonly "~becomes"?: Input | undefined;
}

/**
 * Lifts messages of an older definition. `old` has passed the older schema; the result must pass the newer one.
 *
 * @throws OptionsError (CONFIG_INVALID) when it is given something else.
 */
export function upcastFrom<D extends Definition, Input>(
  older: D,
  upcast: (old: OutputOf<D>) => Input | Promise<Input>,
): Upcast<Input> {
  const parts = partsOfDefinition(older);
  assertUpcast("upcastFrom", [
    ...(parts === undefined ? ["older: must be a definition"] : []),
    ...problemsOfLift(upcast),
  ]);
  return {
    from: older.type,
    schema: parts?.schema,
    upcast: (old) => upcast(old),
  };
}

/**
 * Lifts messages of an older type whose definition is gone: `old` is unknown.
 *
 * @throws OptionsError (CONFIG_INVALID) when it is given something else.
 */
export function upcastFromType<Input>(
  type: string,
  upcast: (old: unknown) => Input | Promise<Input>,
): Upcast<Input> {
  const isType = typeof type === "string" && type !== "";
  assertUpcast("upcastFromType", [
    ...(isType ? [] : ["type: must be a non-empty string"]),
    ...problemsOfLift(upcast),
  ]);
  return { from: type, schema: undefined, upcast };
}

function problemsOfLift(upcast: unknown): string[] {
  return typeof upcast === "function" ? [] : ["upcast: must be a function"];
}

function assertUpcast(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new OptionsError(what, problems);
}
