import { createHash } from "node:crypto";
import type { DeadLetter, DeadLetterReason } from "../contracts/dead-letter.ts";
import type { IncomingMessage, OutgoingMessage } from "../contracts/wire.ts";
import { errorsOfText, errorsText } from "./dead-letter-errors.ts";
import { sizeOf } from "./encode.ts";
import { asciiJson, cutText, headerText, textOfHeader } from "./header-text.ts";
import { withoutInternalHeaders } from "./internal-headers.ts";
import { undecodable } from "./refuse.ts";
import { shardOf } from "./shard.ts";

/*
 * One record format for dead letters, on every broker: the message as it came, attributes, content type and body
 * untouched, so that it is still the CloudEvent it was (or the bytes that were none), and why in headers of ours.
 * Those headers are printable ASCII and together below 16 KiB.
 */

/** The headers of a dead letter. */
export const deadLetterHeaders = {
  reason: "postrider-dead-letter-reason",
  consumer: "postrider-dead-letter-consumer",
  attempts: "postrider-dead-letter-attempts",
  /** JSON: `[{ name, code?, message, stack? }]`, outermost first. */
  errors: "postrider-dead-letter-errors",
  firstFailedAt: "postrider-dead-letter-first-failed-at",
  deadLetteredAt: "postrider-dead-letter-at",
  /** JSON: where the broker had the message. */
  origin: "postrider-dead-letter-origin",
  /** The channel that the message came from. */
  channel: "postrider-dead-letter-channel",
  /** The ordering key, for brokers that keep none. Left out when it is longer than 1 KiB. */
  key: "postrider-dead-letter-key",
} as const;

const limits = { textBytes: 512, keyBytes: 1024, originEntries: 16, originBytes: 1024 } as const;

/** What stands in for the type of a message in which none can be read: it only selects inside the channel. */
const unknownType = "unknown";

/**
 * A dead letter as a transport takes it. Headers of the original stay, those of a hop of ours do not.
 *
 * @param channel Where it goes. Default: the original channel, for transports that have their own place beside it.
 */
export function encodeDeadLetter(
  letter: DeadLetter,
  channel: string = letter.message.channel,
): OutgoingMessage {
  const { attributes, contentType, body, key } = letter.message;
  const headers = { ...withoutInternalHeaders(letter.message.headers), ...letterHeaders(letter) };
  return {
    attributes,
    headers,
    contentType,
    body,
    channel,
    type: ownText(attributes, "type") ?? unknownType,
    key,
    shard: shardOf(key ?? ownText(attributes, "id") ?? ""),
    messageId: letterId(letter),
    sizeBytes: sizeOf(attributes, headers, contentType, body),
  };
}

/**
 * The dead letter in a message of a dead letter channel.
 *
 * @throws MessagingError CONTRACT_UNDECODABLE naming the headers that are missing or malformed.
 */
export function decodeDeadLetter(message: IncomingMessage): DeadLetter {
  const { headers } = message;
  const malformed: string[] = [];
  const read = <T>(name: string, parse: (value: string) => T | undefined, otherwise: T): T => {
    const value = ownText(headers, name);
    const parsed = value === undefined ? undefined : parse(value);
    if (parsed === undefined) malformed.push(name);
    return parsed ?? otherwise;
  };
  const letter: DeadLetter = {
    reason: read(deadLetterHeaders.reason, reasonOf, "undecodable"),
    consumer: read(deadLetterHeaders.consumer, textOfHeader, ""),
    attempts: read(deadLetterHeaders.attempts, attemptsOf, 0),
    errors: read(deadLetterHeaders.errors, errorsOfText, []),
    firstFailedAt: read(deadLetterHeaders.firstFailedAt, textOfHeader, ""),
    deadLetteredAt: read(deadLetterHeaders.deadLetteredAt, textOfHeader, ""),
    origin: read(deadLetterHeaders.origin, originOf, {}),
    message: {
      attributes: message.attributes,
      headers: withoutInternalHeaders(headers),
      contentType: message.contentType,
      body: message.body,
      channel: read(deadLetterHeaders.channel, textOfHeader, ""),
      key: keyOf(message),
    },
  };
  if (malformed.length > 0) {
    throw undecodable(`it is no dead letter of ours: ${malformed.join(", ")} missing or malformed.`, {
      context: { channel: message.channel },
    });
  }
  return letter;
}

function letterHeaders(letter: DeadLetter): Record<string, string> {
  const { key, channel } = letter.message;
  const headers: Record<string, string> = {
    [deadLetterHeaders.reason]: letter.reason,
    [deadLetterHeaders.consumer]: boundedText(letter.consumer),
    [deadLetterHeaders.attempts]: String(letter.attempts),
    [deadLetterHeaders.errors]: errorsText(letter.errors),
    [deadLetterHeaders.firstFailedAt]: boundedText(letter.firstFailedAt),
    [deadLetterHeaders.deadLetteredAt]: boundedText(letter.deadLetteredAt),
    [deadLetterHeaders.origin]: originText(letter.origin),
    [deadLetterHeaders.channel]: boundedText(channel),
  };
  const keyText = key === undefined ? undefined : headerText(key);
  if (keyText !== undefined && keyText.length <= limits.keyBytes) headers[deadLetterHeaders.key] = keyText;
  return headers;
}

function boundedText(text: string): string {
  return headerText(cutText(text, limits.textBytes));
}

/** Whole entries only, the first ones that fit. */
function originText(origin: DeadLetter["origin"]): string {
  const kept: [string, string | number][] = [];
  let bytes = "{}".length;
  for (const [name, value] of Object.entries(origin).slice(0, limits.originEntries)) {
    bytes += asciiJson({ [name]: value }).length;
    if (bytes > limits.originBytes) break;
    kept.push([name, value]);
  }
  return asciiJson(Object.fromEntries(kept));
}

/**
 * Another id for each time a message is dead-lettered: a broker that drops second copies must not drop the letter of
 * a message that was replayed and failed again. Sending one letter twice gives the same id.
 */
function letterId(letter: DeadLetter): string {
  const { message, consumer, attempts, deadLetteredAt, origin } = letter;
  const hash = createHash("sha256").update(
    JSON.stringify([message.channel, message.attributes, consumer, attempts, deadLetteredAt, origin]),
  );
  if (message.body !== undefined) hash.update(message.body);
  return `dead-letter#${hash.digest("hex").slice(0, 32)}`;
}

const reasons: ReadonlySet<string> = new Set<DeadLetterReason>([
  "undecodable",
  "invalid",
  "rejected",
  "exhausted",
  "unhandled-type",
]);

function isReason(value: string): value is DeadLetterReason {
  return reasons.has(value);
}

function reasonOf(value: string): DeadLetterReason | undefined {
  return isReason(value) ? value : undefined;
}

function attemptsOf(value: string): number | undefined {
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

function originOf(value: string): DeadLetter["origin"] | undefined {
  try {
    const json: unknown = JSON.parse(value);
    if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
    const entries = Object.entries(json as Record<string, unknown>);
    return Object.fromEntries(entries.filter(isOriginEntry));
  } catch {
    return undefined;
  }
}

function isOriginEntry(entry: [string, unknown]): entry is [string, string | number] {
  return typeof entry[1] === "string" || typeof entry[1] === "number";
}

function keyOf({ headers, key }: IncomingMessage): string | undefined {
  const written = ownText(headers, deadLetterHeaders.key);
  return (written === undefined ? undefined : textOfHeader(written)) ?? key;
}

function ownText(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}
