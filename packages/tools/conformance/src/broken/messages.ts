import type { PublishOutcome } from "@postrider/core";
import { over, overMessages } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

const confirmed: PublishOutcome = { status: "confirmed" };

export const messageFaults: readonly BrokenTransport[] = [
  {
    name: "drops headers",
    fault: "sends every message without its headers",
    breaks: (inner) => overMessages(inner, (message) => ({ ...message, headers: {} })),
  },
  {
    name: "lower-cases header names",
    fault: "sends header names in lower case, so that two of them become one",
    breaks: (inner) =>
      overMessages(inner, (message) => ({
        ...message,
        headers: Object.fromEntries(
          Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), value]),
        ),
      })),
  },
  {
    name: "drops extensions",
    fault: "sends only the attributes that every CloudEvent has",
    breaks: (inner) =>
      overMessages(inner, (message) => ({
        ...message,
        attributes: Object.fromEntries(
          Object.entries(message.attributes).filter(([name]) =>
            ["specversion", "id", "source", "type", "time"].includes(name),
          ),
        ),
      })),
  },
  {
    name: "reads bodies as text",
    fault: "takes every body for UTF-8",
    breaks: (inner) =>
      overMessages(inner, ({ body, ...message }) => ({
        ...message,
        body: body === undefined ? undefined : Buffer.from(new TextDecoder().decode(body)),
      })),
  },
  {
    name: "fills empty bodies",
    fault: "takes no body for a body of zero bytes",
    breaks: (inner) =>
      overMessages(inner, (message) => ({ ...message, body: message.body ?? new Uint8Array(0) })),
  },
  {
    name: "mixes channels",
    fault: "sends everything to one channel",
    breaks: (inner) => {
      let first: string | undefined;
      return overMessages(inner, (message) => ({ ...message, channel: (first ??= message.channel) }));
    },
  },
  {
    name: "drops repeats",
    fault: "confirms a second message of the same id and does not send it",
    breaks: (inner) => {
      const seen = new Set<string>();
      return over(inner, {
        publish: async (batch, bounds) => {
          const fresh = batch.filter(({ messageId }) => !seen.has(messageId));
          for (const { messageId } of batch) seen.add(messageId);
          const outcomes = (await inner.publisher.publish(fresh, bounds)).values();
          return batch.map((message) =>
            fresh.includes(message) ? (outcomes.next().value ?? confirmed) : confirmed,
          );
        },
      });
    },
  },
];
