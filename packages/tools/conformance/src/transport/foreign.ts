import { claim, claimBytes, claimEqual } from "../case/claim.ts";
import { idOf, outgoing } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

const lacksRawPublish = (harness: TransportScope["harness"]): string | undefined =>
  harness.rawPublish === undefined ? "the harness gives no rawPublish" : undefined;

export const foreignCases: readonly TransportCase[] = [
  {
    title: "78. bytes that are no CloudEvent arrive raw, and later messages flow",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const foreign = outgoing(channel, {
        attributes: {},
        contentType: undefined,
        body: Uint8Array.of(0, 255, 254, 7),
      });
      await scope.confirm(transport, [foreign]);
      const delivery = await intake.next();
      scope.claimSame(delivery, foreign);
      await scope.wait("ack", delivery.settle({ kind: "ack" }));
      const sentinel = await scope.sentinel(transport, channel);
      claimEqual(idOf((await intake.next()).message), sentinel, "the message after the foreign one");
    },
  },
  {
    title: "61. what a foreign producer publishes is delivered with its bytes and no attributes made up",
    lacks: lacksRawPublish,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const body = Buffer.from(`{"plain":"json"}`);
      await rawPublish(scope, { channel, headers: [["x-note", "foreign"]], body });
      const delivery = await intake.next();
      claimBytes(delivery.message.body, body, "body of a foreign message");
      claimEqual({ ...delivery.message.attributes }, {}, "attributes of a foreign message");
      claimEqual(delivery.message.headers["x-note"], "foreign", "header of a foreign message");
    },
  },
  {
    title: "70. header keys that come twice and odd encodings neither throw nor stop later messages",
    lacks: lacksRawPublish,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const body = Uint8Array.of(1, 2, 3);
      const headers: readonly (readonly [string, string | Uint8Array])[] = [
        ["x-twice", "one"],
        ["x-twice", "two"],
        ["x-bytes", Uint8Array.of(0xff, 0xc3, 0x28)],
        ["x-empty", ""],
        ["ce-id", "%"],
        ["ce_time", "not a time"],
      ];
      await rawPublish(scope, { channel, headers, body });
      const delivery = await intake.next();
      claimBytes(delivery.message.body, body, "body under odd headers");
      const texts = Object.values(delivery.message.headers);
      claim(
        texts.every((text) => typeof text === "string"),
        "a header arrived as something that is no text",
      );
      await scope.wait("ack", delivery.settle({ kind: "ack" }));
      const sentinel = await scope.sentinel(transport, channel);
      claimEqual(idOf((await intake.next()).message), sentinel, "the message after the odd one");
      claimEqual(intake.faults.length, 0, "faults of the subscription");
    },
  },
];

async function rawPublish(
  scope: TransportScope,
  message: Parameters<NonNullable<TransportScope["harness"]["rawPublish"]>>[0],
): Promise<void> {
  claim(scope.harness.rawPublish, "rawPublish");
  await scope.wait("a foreign publish", scope.harness.rawPublish(message));
}
