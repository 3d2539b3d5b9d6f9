import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isMessagingError } from "../errors.ts";
import type { DefinitionParts } from "../event/definition-parts.ts";
import { makeDraft, type EventDraft } from "../event/draft.ts";
import { shortText } from "../short-text.ts";
import { replyChannel, replyError } from "./address.ts";

/*
 * What an owner answers: an event to one asker, sealed and sent like any other. With a store it commits with the work
 * that it tells of, so an answer is never for work that was rolled back, and none is lost in a crash.
 */

/** What the handler returned. Nobody but the asker hears of it. */
export function answerOf(request: DefinitionParts, asker: string, returned: unknown): EventDraft {
  const { reply } = request;
  // A command whose answer says nothing: that it has come is the answer.
  const data = reply === undefined ? null : returned;
  return draftTo(asker, reply ?? anything, data, {});
}

/** Why there is no answer: the code, and the words of the error. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** That the request was given up for good. */
export function refusalOf(asker: string, error: Error): EventDraft {
  const code = isMessagingError(error) ? error.code : "HANDLER_FAILED";
  const refusal: Refusal = { code, message: shortText(error.message, 512) };
  return draftTo(asker, anything, refusal, { [replyError]: code });
}

function draftTo(
  asker: string,
  schema: StandardSchemaV1,
  data: unknown,
  extensions: Readonly<Record<string, string>>,
): EventDraft {
  const definition: DefinitionParts = {
    kind: "event",
    type: asker,
    channel: replyChannel,
    schema,
    reply: undefined,
    key: undefined,
    dataschema: undefined,
    upcasts: [],
    description: undefined,
  };
  return makeDraft("event", asker, data, { definition, options: { extensions } });
}

const anything: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "postrider", validate: (value) => ({ value }) },
};
