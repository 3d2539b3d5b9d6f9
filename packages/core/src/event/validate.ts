import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MessagingError, ValidationError, type ValidationIssue } from "../errors.ts";
import { withoutValues } from "./without-values.ts";

/**
 * The schema's output for this value; a promise of it only when the schema is asynchronous.
 *
 * @throws ValidationError (CONTRACT_INVALID_DATA) with message and path of each issue, never the value.
 */
export function validate(type: string, schema: StandardSchemaV1, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  return isThenable(result)
    ? Promise.resolve(result).then((late) => outputOf(type, value, late))
    : outputOf(type, value, result);
}

/**
 * Like `validate`, where nothing can be awaited: a synchronous database transaction.
 *
 * @throws MessagingError CONTRACT_ASYNC_SCHEMA when the schema answers with a promise.
 */
export function validateSync(type: string, schema: StandardSchemaV1, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  if (isThenable(result)) {
    Promise.resolve(result).catch(() => undefined); // nobody will look at it any more
    throw new MessagingError(
      "CONTRACT_ASYNC_SCHEMA",
      `The schema of '${type}' validates asynchronously, and a synchronous transaction cannot wait. Take a synchronous schema for this definition.`,
      { context: { type } },
    );
  }
  return outputOf(type, value, result);
}

/** A schema written by hand may answer with any thenable; taken for a result it would switch validation off. */
function isThenable<R>(result: R | Promise<R>): result is Promise<R> {
  return (
    typeof result === "object" && result !== null && "then" in result && typeof result.then === "function"
  );
}

function outputOf(type: string, input: unknown, result: StandardSchemaV1.Result<unknown>): unknown {
  if (typeof result !== "object" || result === null)
    throw new TypeError(`The schema of '${type}' answered with ${String(result)}, which is no result`);
  // Only `issues` decides: valibot's success has further members, arktype's failure is an array.
  if (result.issues)
    throw new ValidationError(
      type,
      result.issues.map((issue) => plainIssue(issue, input)),
    );
  return result.value;
}

/** Vendors hang the input on their issues and print it in their messages; the path and what was expected get through. */
function plainIssue(issue: StandardSchemaV1.Issue, input: unknown): ValidationIssue {
  const path = (issue.path ?? []).map((segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "number" ? key : String(key);
  });
  return { message: withoutValues(issue, path, input), path };
}
