import type { Message } from "../contracts/message.ts";
import type { Attributes } from "./read-attributes.ts";

/** A message of these attributes; members that are not set are absent. */
export function messageOf(attributes: Attributes, data: unknown): Message {
  const message: { -readonly [K in keyof Message]: Message[K] } = {
    specversion: "1.0",
    id: attributes.id,
    source: attributes.source,
    type: attributes.type,
    data,
  };
  if (attributes.time !== undefined) message.time = attributes.time;
  if (attributes.subject !== undefined) message.subject = attributes.subject;
  if (attributes.datacontenttype !== undefined) message.datacontenttype = attributes.datacontenttype;
  if (attributes.dataschema !== undefined) message.dataschema = attributes.dataschema;
  if (attributes.partitionkey !== undefined) message.partitionkey = attributes.partitionkey;
  if (attributes.correlationid !== undefined) message.correlationid = attributes.correlationid;
  if (attributes.causationid !== undefined) message.causationid = attributes.causationid;
  if (attributes.traceparent !== undefined) message.traceparent = attributes.traceparent;
  if (attributes.tracestate !== undefined) message.tracestate = attributes.tracestate;
  return message;
}
