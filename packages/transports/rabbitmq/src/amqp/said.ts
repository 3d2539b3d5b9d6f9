import { MessagingError } from "@postrider/core";

/** What the broker said when it closed a channel or a connection, or refused a request. */
export interface BrokerSaid {
  /** The AMQP reply code: 404, 406 …; undefined where no broker spoke. */
  readonly replyCode: number | undefined;
  readonly text: string;
}

/** Reads what amqplib made of the broker's words: the reply code stands on the error, or only in its text. */
export function saidBy(thrown: unknown): BrokerSaid {
  const text = textOf(thrown);
  const code: unknown = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : 0;
  const spoken = Number(/\b([2-5]\d\d) \([A-Z-]+\) with message/.exec(text)?.[1]);
  const replyCode = typeof code === "number" && code >= 200 ? code : spoken;
  return { replyCode: Number.isNaN(replyCode) || replyCode === 0 ? undefined : replyCode, text };
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // Several addresses of one host that all refuse are an error without a text of its own.
  return thrown.message === "" && "code" in thrown ? String(thrown.code) : thrown.message;
}

/** The exchange that the broker named when it refused a publish. */
export function exchangeIn({ text }: BrokerSaid): string | undefined {
  return /exchange '([^']*)'/.exec(text)?.[1];
}

/** The size in bytes of the body that the broker refused, and its limit. */
export function tooLargeIn({
  text,
}: BrokerSaid): { readonly bytes: number; readonly limitBytes: number } | undefined {
  const found = /message size (\d+) is larger than (?:\D*?)max(?:imum)? size (?:limit )?(\d+)/.exec(text);
  return found === null ? undefined : { bytes: Number(found[1]), limitBytes: Number(found[2]) };
}

/** True for the broker's own limit on how long a delivery may stay unacknowledged. */
export function isAckTimeout({ replyCode, text }: BrokerSaid): boolean {
  return replyCode === 406 && /delivery acknowledgement/i.test(text);
}

export function ackTimeoutError(group: string, cause: unknown): MessagingError {
  return new MessagingError(
    "CONFIG_INVALID",
    `RabbitMQ closed a channel of the group '${group}': a message was held longer than its acknowledgement timeout ` +
      "(consumer_timeout, 30 minutes by default), and all that were held come again. Let handlers end sooner, or raise it",
    { cause, context: { group } },
  );
}
