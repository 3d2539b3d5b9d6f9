import type { Message } from "../../contracts/message.ts";
import { decode } from "../../envelope/decode.ts";
import type { ForeignMapper } from "../../envelope/foreign.ts";
import { withoutInternalHeaders } from "../../envelope/internal-headers.ts";
import { ValidationError } from "../../errors.ts";
import type { UpcastParts } from "../../event/definition-parts.ts";
import { validate } from "../../event/validate.ts";
import { soundError } from "../../failure/sound-error.ts";
import type { AttemptOutcome, Prepared, Work } from "../work.ts";

type NotPrepared = Extract<AttemptOutcome, { kind: "invalid" | "failed" }>;

/**
 * A message for one attempt: decoded anew, lifted from an older version, validated. Data that breaks the contract is
 * `invalid`; a schema that throws something else has failed and may work the next time.
 */
export async function prepare(
  work: Work,
  foreign: ForeignMapper | undefined,
): Promise<Prepared | NotPrepared> {
  try {
    const decoded = work.decoded ?? decode(work.delivery.message, foreign);
    work.decoded = undefined;
    const data = await read(work, ownBytes(decoded.message.data));
    const message: Message = { ...decoded.message, type: work.route.parts.type, data };
    const headers = withoutInternalHeaders(work.delivery.message.headers);
    return { kind: "prepared", work, message, headers, extensions: decoded.extensions };
  } catch (thrown) {
    const error = soundError(thrown);
    if (error instanceof ValidationError) return { kind: "invalid", error };
    return { kind: "failed", error, prepared: undefined, rolledBack: false };
  }
}

/** Data that is neither JSON nor text is the delivery's own bytes, and a handler may change what it gets. */
function ownBytes(data: unknown): unknown {
  return data instanceof Uint8Array ? new Uint8Array(data) : data;
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
