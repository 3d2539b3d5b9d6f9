import type { OutgoingMessage, PublishBounds, PublishOutcome, Transport } from "@postrider/core";
import { over } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

const confirmed: PublishOutcome = { status: "confirmed" };

type Publish = (
  batch: readonly OutgoingMessage[],
  bounds: PublishBounds,
) => Promise<readonly PublishOutcome[]>;

/** Publishes what `keeps` lets through, and confirms the rest without sending it. */
function loses(publish: Publish, keeps: () => boolean): Publish {
  return async (batch, bounds) => {
    const kept = batch.map(keeps);
    const outcomes = (
      await publish(
        batch.filter((_, index) => kept[index]),
        bounds,
      )
    ).values();
    return kept.map((sent) => (sent ? (outcomes.next().value ?? confirmed) : confirmed));
  };
}

export const publishFaults: readonly BrokenTransport[] = [
  {
    name: "loses",
    fault: "confirms every third message and does not send it",
    breaks: (inner) => {
      let count = 0;
      const keeps = (): boolean => (count += 1) % 3 !== 0;
      return over(inner, {
        publish: loses((batch, bounds) => inner.publisher.publish(batch, bounds), keeps),
        publishRun: loses((run, bounds) => inner.publisher.publishRun(run, bounds), keeps),
      });
    },
  },
  {
    name: "duplicates",
    fault: "sends every third message of a batch twice",
    breaks: (inner) => {
      let count = 0;
      const again = (batch: readonly OutgoingMessage[]): readonly OutgoingMessage[] =>
        batch.filter(() => (count += 1) % 3 === 0);
      return over(inner, {
        publish: async (batch, bounds) => {
          const outcomes = await inner.publisher.publish(batch, bounds);
          await inner.publisher.publish(again(batch), bounds);
          return outcomes;
        },
      });
    },
  },
  {
    name: "reorders",
    fault: "sends a run of one key back to front",
    breaks: (inner) =>
      over(inner, {
        publishRun: async (run, bounds) =>
          (await inner.publisher.publishRun(run.toReversed(), bounds)).toReversed(),
      }),
  },
  {
    name: "confirms before stored",
    fault: "reports a batch of messages as confirmed while they are still on their way",
    breaks: confirmsBeforeStored,
  },
  {
    name: "takes all or nothing",
    fault: "rejects a whole batch when one of its messages is refused",
    breaks: (inner) =>
      over(inner, {
        publish: async (batch, bounds) => {
          const limit = inner.capabilities.maxMessageBytes;
          const refused = batch.find((message) => limit > 0 && message.sizeBytes > limit);
          if (refused === undefined) return inner.publisher.publish(batch, bounds);
          const [outcome] = await inner.publisher.publish([refused], bounds);
          return batch.map(() => outcome ?? confirmed);
        },
      }),
  },
  {
    name: "goes on after a gap",
    fault: "publishes the messages of a run one by one, whatever became of the one before",
    breaks: (inner) => over(inner, { publishRun: (run, bounds) => inner.publisher.publish(run, bounds) }),
  },
  {
    name: "throws",
    fault: "rejects instead of answering with an outcome",
    breaks: (inner) =>
      over(inner, {
        publish: async (batch, bounds) => {
          const outcomes = await inner.publisher.publish(batch, bounds);
          for (const outcome of outcomes) if (outcome.status !== "confirmed") throw outcome.error;
          return outcomes;
        },
      }),
  },
  {
    name: "ignores the signal",
    fault: "publishes although the signal was aborted before",
    breaks: (inner) =>
      over(inner, { publish: (batch, { deadlineMs }) => inner.publisher.publish(batch, { deadlineMs }) }),
  },
  {
    name: "keeps listening",
    fault: "leaves a listener on the signal of each publish",
    breaks: (inner) =>
      over(inner, {
        publish: (batch, bounds) => {
          bounds.signal?.addEventListener("abort", () => undefined);
          return inner.publisher.publish(batch, bounds);
        },
      }),
  },
];

/** What is on its way when the transport closes is lost, as it is when a process dies. */
function confirmsBeforeStored(inner: Transport): Transport {
  const waiting = new Set<() => void>();
  const later: Publish = async (batch, bounds) => {
    if (inner.state() !== "ready" || batch.length < 2) return inner.publisher.publish(batch, bounds);
    const limit = inner.capabilities.maxMessageBytes;
    if (batch.some((message) => limit > 0 && message.sizeBytes > limit))
      return inner.publisher.publish(batch, bounds);
    if (bounds.signal?.aborted === true) return inner.publisher.publish(batch, bounds);
    const send = (): void => {
      waiting.delete(cancel);
      void inner.publisher.publish(batch, bounds);
    };
    const turn = setImmediate(send);
    const cancel = (): void => clearImmediate(turn);
    waiting.add(cancel);
    return batch.map(() => confirmed);
  };
  return over(inner, {
    publish: later,
    close: () => {
      for (const cancel of waiting) cancel();
      waiting.clear();
      return inner.close();
    },
  });
}
