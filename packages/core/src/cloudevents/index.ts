import { CloudEvent } from "cloudevents";
import type { Message } from "../contracts/message.ts";
import type { ExtensionValue } from "../contracts/sealed-event.ts";
import { dataOf } from "../envelope/body-data.ts";
import { readCloudEventLike, type CloudEventLike } from "../envelope/cloud-event-like.ts";
import { messageOf } from "../envelope/message-of.ts";
import { readAttributes } from "../envelope/read-attributes.ts";
import { invalidEvent } from "../envelope/refuse.ts";

export type { CloudEventLike } from "../envelope/cloud-event-like.ts";

/** A message, and the attributes that it does not name. */
export interface ReadCloudEvent {
  /** The message as handlers get it. */
  readonly message: Message;
  /** Attributes that `Message` does not name. */
  readonly extensions: Readonly<Record<string, ExtensionValue>>;
  /** The extension attribute `tenantid`. */
  readonly tenant: string | undefined;
}

/**
 * A received message as an object of the official `cloudevents` package, validated by our rules, which are stricter.
 *
 * That class cannot be without a time: a message that has none gets the time of this call. Extensions may be named
 * like its methods (`validate`, `emit`) and then hide them.
 *
 * @param extensions Attributes that the message does not name, from the handler's context.
 * @throws MessagingError CONTRACT_INVALID_EVENT
 */
export function toCloudEvent<Data>(
  message: Message<string, Data>,
  extensions: Readonly<Record<string, ExtensionValue>> = {},
): CloudEvent<Data> {
  const { data, ...attributes } = message;
  const members = { ...extensions, ...attributes };
  const problems: string[] = [];
  readAttributes(members, problems);
  if (Object.hasOwn(members, "schemaurl"))
    problems.push("schemaurl: the cloudevents package does not take it");
  if (problems.length > 0) throw invalidEvent("The message", problems);
  return new CloudEvent<Data>({ ...members, data }, false); // not validated again: its own check lets more pass
}

/**
 * The message in an object of the `cloudevents` package, or one like it: members that are undefined are left out,
 * binary data is taken from `data_base64` as bytes, and read by its content type like that of a received message. The
 * time keeps its text, whatever that object would print.
 *
 * @throws MessagingError CONTRACT_INVALID_EVENT with everything wrong in it, CONTRACT_UNDECODABLE for bytes that are
 * not what the content type says.
 */
export function fromCloudEvent(event: CloudEventLike): ReadCloudEvent {
  const problems: string[] = [];
  const { attributes, data, bytes } = readCloudEventLike(event, problems);
  if (problems.length > 0) throw invalidEvent("The CloudEvent", problems);
  const read = bytes === undefined ? data : dataOf(bytes, attributes.datacontenttype);
  return {
    message: messageOf(attributes, read),
    extensions: attributes.extensions,
    tenant: attributes.tenant,
  };
}
