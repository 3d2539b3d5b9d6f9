import type { ConsumeMessage } from "amqplib";
import { attemptOf } from "../mapping.ts";

/*
 * What the broker puts with the dead letters by itself, at the delivery limit, comes as it was, without the headers that
 * make a dead letter. They are added from what the broker notes in `x-death`: to the message itself, so that a copy for
 * another look has them too.
 */

export function completeLetter(message: ConsumeMessage, group: string, namePrefix: string): void {
  const headers: Record<string, unknown> = message.properties.headers ?? {};
  if (headers["postrider-dead-letter-reason"] !== undefined) return;
  const death = deathOf(headers["x-death"]);
  if (death === undefined) return;
  const diedAt = new Date(death.seconds * 1_000).toISOString();
  // A retry has noted the channel; otherwise it is the exchange that the message was published to.
  const noted = headers["postrider-channel"];
  const channel = typeof noted === "string" ? noted : withoutPrefix(death.exchange, namePrefix);
  message.properties.headers = {
    ...headers,
    "postrider-channel": channel,
    "postrider-dead-letter-reason": "exhausted",
    "postrider-dead-letter-consumer": escaped(group),
    "postrider-dead-letter-attempts": String(attemptOf(message)),
    "postrider-dead-letter-errors": JSON.stringify([{ name: "BrokerDeadLetter", message: told(death) }]),
    "postrider-dead-letter-first-failed-at": diedAt,
    "postrider-dead-letter-at": diedAt,
    "postrider-dead-letter-origin": JSON.stringify({ queue: death.queue }),
    "postrider-dead-letter-channel": escaped(channel),
  };
}

function told({ reason }: Death): string {
  return reason === "delivery_limit"
    ? "The message came back more often than the delivery limit of its queue: its consumers died with it or lost their connection"
    : `RabbitMQ put the message aside by itself: ${reason}`;
}

/** As these headers hold text. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function withoutPrefix(exchange: string, prefix: string): string {
  return exchange.startsWith(prefix) ? exchange.slice(prefix.length) : exchange;
}

interface Death {
  readonly reason: string;
  readonly queue: string;
  readonly exchange: string;
  readonly seconds: number;
}

/** The death that was none of a wait queue's: those come back. */
function deathOf(deaths: unknown): Death | undefined {
  if (!Array.isArray(deaths)) return undefined;
  return deaths.map(readDeath).find((death) => death !== undefined && death.reason !== "expired");
}

function readDeath(death: unknown): Death | undefined {
  if (typeof death !== "object" || death === null) return undefined;
  const { reason, queue, exchange, time } = death as Partial<Record<string, unknown>>;
  if (typeof reason !== "string" || typeof queue !== "string") return undefined;
  return {
    reason,
    queue,
    exchange: typeof exchange === "string" ? exchange : "",
    seconds: secondsOf(time),
  };
}

/** A time as amqplib decodes it: `{ "!": "timestamp", value: 1700000000 }`. */
function secondsOf(time: unknown): number {
  if (typeof time !== "object" || time === null || !("value" in time)) return 0;
  return typeof time.value === "number" ? time.value : 0;
}
