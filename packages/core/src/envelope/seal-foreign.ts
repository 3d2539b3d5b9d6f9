import type { SealedEvent } from "../contracts/sealed-event.ts";
import { defaultChannel, problemOfChannel } from "../event/channel.ts";
import { readCloudEventLike, type CloudEventLike, type LikeParts } from "./cloud-event-like.ts";
import { contentKind } from "./media-type.ts";
import type { Attributes } from "./read-attributes.ts";
import { invalidEvent } from "./refuse.ts";
import { jsonBytes, notSerializable, type Payload } from "./serialize.ts";
import { shardOf } from "./shard.ts";

/**
 * A CloudEvent from elsewhere, sealed as it is: no attribute is made up, its time keeps its text. Only data without a
 * content type gets `application/json`, which is what the JSON format means by leaving it out.
 *
 * @param channel Default: the type without its last two segments, where that can be an address.
 * @throws MessagingError CONTRACT_INVALID_EVENT with everything wrong; CONTRACT_NOT_SERIALIZABLE for data that its
 * content type does not fit.
 */
export function sealForeign(event: CloudEventLike, channel?: string): SealedEvent {
  const problems: string[] = [];
  const parts = readCloudEventLike(event, problems);
  const address = channel ?? defaultChannel(parts.attributes.type);
  const problem = parts.attributes.type === "" ? undefined : problemOfAddress(address, channel);
  if (problem !== undefined) problems.push(problem);
  if (problems.length > 0) throw invalidEvent("The event to forward", problems);
  return sealed(parts.attributes, address, payloadOf(parts));
}

function problemOfAddress(address: string, given: string | undefined): string | undefined {
  const problem = problemOfChannel(address);
  if (problem === undefined) return undefined;
  return given === undefined ? "channel: cannot be made from the type; pass one" : `channel: ${problem}`;
}

function payloadOf({ attributes: { type, datacontenttype }, data, bytes }: LikeParts): Payload {
  if (bytes !== undefined) return { payload: bytes, contentType: datacontenttype };
  if (data === undefined) return { payload: undefined, contentType: datacontenttype };
  const contentType = datacontenttype ?? "application/json";
  if (contentKind(contentType) === "json") return { payload: jsonBytes(type, data), contentType };
  if (typeof data === "string") return { payload: Buffer.from(data, "utf8"), contentType };
  throw notSerializable(type, "it is neither text nor bytes, and its datacontenttype is not JSON");
}

function sealed(attributes: Attributes, channel: string, { payload, contentType }: Payload): SealedEvent {
  const { id, correlationid, causationid, partitionkey } = attributes;
  const key = partitionkey === "" ? undefined : partitionkey;
  return {
    id,
    source: attributes.source,
    type: attributes.type,
    specversion: "1.0",
    time: attributes.time,
    subject: attributes.subject,
    contentType,
    dataschema: attributes.dataschema,
    channel,
    key,
    shard: shardOf(key ?? id),
    payload,
    extensions: {
      ...(correlationid === undefined ? undefined : { correlationid }),
      ...(causationid === undefined ? undefined : { causationid }),
      ...attributes.extensions,
    },
    traceparent: attributes.traceparent,
    tracestate: attributes.tracestate,
    tenant: attributes.tenant,
  };
}
