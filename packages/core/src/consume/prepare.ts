import type { Message } from "../contracts/message.ts";
import type { UpcastParts } from "../event/definition-parts.ts";
import { decode } from "../envelope/decode.ts";
import { isInternalHeader } from "../envelope/internal-headers.ts";
import { validate } from "../event/validate.ts";
import { ValidationError, toError } from "../errors.ts";
import type { ForeignMapper } from "../envelope/foreign.ts";
import type { AttemptOutcome, Prepared, Work } from "./work.ts";

/**
 * A message for one attempt: decoded anew, lifted from an older version, validated. Data that breaks the contract is
 * `invalid`; a schema that throws something else has failed and may work the next time.
 */
export async function prepare(
  work: Work,
  foreign: ForeignMapper | undefined,
): Promise<Prepared | AttemptOutcome> {
  const decoded = work.decoded ?? decode(work.delivery.message, foreign);
  work.decoded = undefined;
  try {
    const data = await read(work, decoded.message.data);
    const message: Message = { ...decoded.message, type: work.route.parts.type, data };
    return {
      work,
      message,
      headers: userHeaders(work.delivery.message.headers),
      extensions: decoded.extensions,
    };
  } catch (thrown) {
    const error = toError(thrown);
    return error instanceof ValidationError
      ? { kind: "invalid", error }
      : { kind: "failed", error, prepared: undefined, rolledBack: false };
  }
}

async function read(work: Work, data: unknown): Promise<unknown> {
  const { parts } = work.route;
  const upcast = parts.upcasts.find((one) => one.from === work.liftedFrom);
  const current = upcast === undefined ? data : await lift(upcast, data);
  return validate(parts.type, parts.schema, current);
}

async function lift(upcast: UpcastParts, data: unknown): Promise<unknown> {
  const old = upcast.schema === undefined ? data : await validate(upcast.from, upcast.schema, data);
  return upcast.upcast(old);
}

function userHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isInternalHeader(name)));
}
