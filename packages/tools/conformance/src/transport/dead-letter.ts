import { claimEqual, claimRejects } from "../case/claim.ts";
import { deliverOne } from "./deliver-one.ts";
import { claimArrived } from "./intake.ts";
import { idOf, outgoing } from "./message.ts";
import { lacksLimit, tooLarge } from "./refusal.ts";
import type { TransportCase } from "./scope.ts";

export const deadLetterCases: readonly TransportCase[] = [
  {
    title:
      "dead-letter writes the letter to the group's dead letters, byte for byte, and then acknowledges the original",
    body: async (scope) => {
      const { delivery, intake, transport, channel, group } = await deliverOne(scope);
      const bystander = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const letter = outgoing(channel, {
        body: Uint8Array.of(0, 255, 10, 13, 128),
        contentType: "application/octet-stream",
        headers: { "postrider-reason": "exhausted", "x-note": "für später" },
      });
      await scope.wait("dead-letter", delivery.settle({ kind: "dead-letter", letter }));
      const letters = await scope.subscribe(transport, {
        group,
        channels: [],
        of: "dead-letters",
        startAt: "beginning",
      });
      const dead = await letters.next();
      claimEqual(idOf(dead.message), idOf(letter), "id of the dead letter");
      scope.claimSame({ message: { ...dead.message, channel, key: undefined } }, letter);
      await scope.wait("ack of a dead letter", dead.settle({ kind: "ack" }));
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await intake.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "the original is acknowledged; after it",
      );
      claimArrived(
        await bystander.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "another group sees no dead letter, only",
      );
    },
  },
  {
    title: "77. when the dead letter cannot be written, settle rejects and the original stays unsettled",
    lacks: lacksLimit,
    body: async (scope) => {
      const { delivery, intake, channel, sent } = await deliverOne(scope);
      const letter = tooLarge(scope.harness, channel);
      const codes = ["TRANSPORT_TOO_LARGE"];
      await scope.wait(
        "a dead letter that is too large to be refused",
        claimRejects(
          delivery.settle({ kind: "dead-letter", letter }),
          codes,
          "a dead letter over the size limit",
        ),
      );
      claimEqual(delivery.signal.aborted, false, "the original is still ours: signal aborted");
      await scope.wait("release after a failed dead letter", delivery.settle({ kind: "release" }));
      claimArrived(
        [await intake.next()],
        [idOf(sent)],
        "in-order",
        "the original after a failed dead letter",
      );
    },
  },
];
