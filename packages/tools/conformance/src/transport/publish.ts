import { getEventListeners } from "node:events";
import { claim, claimCode, claimEqual } from "../case/claim.ts";
import { claimArrived } from "./intake.ts";
import { idsOf, outgoing, outgoingRun } from "./message.ts";
import { justFits, lacksLimit, lacksRefusal, refusedMessage, tooLarge } from "./refusal.ts";
import { publishDeadlineMs, sayOutcome, statusesOf } from "./scope.ts";
import type { TransportCase } from "./scope.ts";

export const publishCases: readonly TransportCase[] = [
  {
    title: "publish answers one outcome per message, in the order given, and never rejects",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      claimEqual(await scope.publish(transport, []), [], "outcomes of an empty batch");
      await scope.confirm(transport, outgoingRun(channel, 25));
      if (lacksRefusal(scope.harness) !== undefined) return;
      const batch = [outgoing(channel), refusedMessage(scope.harness, channel), outgoing(channel)];
      const outcomes = await scope.publish(transport, batch);
      claimEqual(
        statusesOf(outcomes),
        ["confirmed", "rejected", "confirmed"],
        "outcomes in the order of the batch",
      );
    },
  },
  {
    title: "7. publish reports confirmed only after the broker has the message",
    runs: "alone",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      await scope.bind(group, [channel]);
      const publisher = await scope.connect();
      const batch = outgoingRun(channel, 20);
      await scope.confirm(publisher, batch);
      // From here on nothing of the publisher's process is needed any more: what is confirmed is at the broker.
      await scope.end(publisher);
      const intake = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      claimArrived(await intake.take(batch.length), idsOf(batch), "any-order", "confirmed messages");
    },
  },
  {
    title: "8. a refused message does not take the others of its batch with it",
    lacks: lacksRefusal,
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const good = outgoingRun(channel, 4);
      const batch = good.toSpliced(2, 0, refusedMessage(scope.harness, channel));
      const outcomes = await scope.publish(transport, batch);
      claimEqual(
        statusesOf(outcomes),
        ["confirmed", "confirmed", "rejected", "confirmed", "confirmed"],
        "only the refused message is rejected: outcomes",
      );
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [...idsOf(good), sentinel],
        "any-order",
        "the good messages, once each",
      );
    },
  },
  {
    title:
      "4. a message at the size limit is taken, one over it is rejected with TRANSPORT_TOO_LARGE as its own fault",
    lacks: lacksLimit,
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const fits = justFits(scope.harness, channel);
      await scope.confirm(transport, [fits]);
      scope.claimSame(await intake.next(), fits);
      const [outcome] = await scope.publish(transport, [tooLarge(scope.harness, channel)]);
      claim(
        outcome?.status === "rejected",
        `a message over the limit: expected rejected, got ${outcome && sayOutcome(outcome)}`,
      );
      claimEqual(outcome.scope, "message", "whose fault a message over the limit is");
      claimEqual(
        claimCode(outcome.error, ["TRANSPORT_TOO_LARGE"], "a message over the limit").retryable,
        false,
        "retryable",
      );
      await scope.confirm(transport, [outgoing(channel)]);
    },
  },
  {
    title: "a publish whose signal is already aborted is not sent, and answers all the same",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const given = AbortSignal.abort();
      const outcomes = await scope.wait(
        "the outcomes of an aborted publish",
        transport.publisher.publish(outgoingRun(channel, 3), {
          deadlineMs: publishDeadlineMs,
          signal: given,
        }),
      );
      claimEqual(
        statusesOf(outcomes),
        ["rejected", "rejected", "rejected"],
        "outcomes of a publish that was aborted before",
      );
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "what arrives after an aborted publish",
      );
    },
  },
  {
    title: "a publish leaves no listener on the signal it was given",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const { signal } = new AbortController();
      const bounds = { deadlineMs: publishDeadlineMs, signal };
      await scope.wait("a publish", transport.publisher.publish(outgoingRun(channel, 5), bounds));
      await scope.wait(
        "a run",
        transport.publisher.publishRun(outgoingRun(channel, 5, { key: "k" }), bounds),
      );
      claimEqual(getEventListeners(signal, "abort").length, 0, "listeners left on the signal of a publish");
    },
  },
  {
    title: "9. publish to a channel that does not exist creates it or says so, as configured",
    lacks: (harness) =>
      harness.undeclaredChannel === undefined ? "the harness gives no undeclaredChannel" : undefined,
    body: async (scope) => {
      const missing = scope.harness.undeclaredChannel;
      claim(missing, "undeclaredChannel");
      const transport = await scope.connect();
      const [outcome] = await scope.publish(transport, [outgoing(missing.name())]);
      if (missing.outcome === "created")
        return claimEqual(outcome?.status, "confirmed", "a channel that is created");
      claim(
        outcome?.status === "rejected",
        `a missing channel: expected rejected, got ${outcome && sayOutcome(outcome)}`,
      );
      claimEqual(outcome.scope, "message", "whose fault a missing channel is");
      claimCode(outcome.error, [missing.outcome], "a missing channel");
    },
  },
];
