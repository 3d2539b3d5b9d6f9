import type { Delivery } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { ack, claimArrived } from "./intake.ts";
import { idOf, idsOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

export const deliverCases: readonly TransportCase[] = [
  {
    title:
      "1. messages published before and after subscribe arrive once each, equal in body, key, attributes and headers",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      await scope.bind(group, [channel]);
      const transport = await scope.connect();
      const parts = { key: "order-7", headers: { traceparent: "00-11-22-01", "x-note": "first" } };
      const before = outgoingRun(channel, 5, parts);
      await scope.confirm(transport, before);
      const intake = await scope.subscribe(transport, { group, channels: [channel], onArrival: ack });
      const after = outgoingRun(channel, 5, parts);
      await scope.confirm(transport, after);
      const sentinel = await scope.sentinel(transport, channel, parts.key);
      const deliveries = await intake.takeUntil(sentinel);
      const sent = [...before, ...after];
      claimArrived(deliveries, [...idsOf(sent), sentinel], "any-order", "each message once");
      for (const message of sent) scope.claimSame(deliveryOf(deliveries, idOf(message)), message);
    },
  },
  {
    title: "2. no body, a body of zero bytes and a zero-length JSON string stay three different things",
    body: async (scope) => {
      const channel = await scope.channel();
      await claimRoundTrip(scope, [
        outgoing(channel, { body: undefined, contentType: undefined }),
        outgoing(channel, { body: new Uint8Array(0), contentType: "application/octet-stream" }),
        outgoing(channel, { body: Buffer.from('""'), contentType: "application/json" }),
      ]);
    },
  },
  {
    title: "4. a binary body arrives byte for byte",
    body: async (scope) => {
      const channel = await scope.channel();
      const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
      const brokenText = Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 0x00, 0x0a, 0x0d, 0xed, 0xa0, 0x80);
      const large = Uint8Array.from({ length: 65_536 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
      // A view into a larger buffer: the bytes around it are none of the message's.
      const view = new Uint8Array(everyByte.buffer, 100, 16);
      const parts = { contentType: "application/octet-stream" };
      await claimRoundTrip(scope, [
        outgoing(channel, { ...parts, body: everyByte }),
        outgoing(channel, { ...parts, body: brokenText }),
        outgoing(channel, { ...parts, body: large }),
        outgoing(channel, { ...parts, body: view }),
      ]);
    },
  },
  {
    title: "5. channels do not mix, and a channel that is not subscribed delivers nothing",
    body: async (scope) => {
      const transport = await scope.connect();
      const [first, second, other] = [await scope.channel(), await scope.channel(), await scope.channel()];
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [first, second] });
      const wanted = [outgoing(first), outgoing(second), outgoing(first)];
      await scope.confirm(transport, [...outgoingRun(other, 5), ...wanted]);
      const sentinel = await scope.sentinel(transport, second);
      const deliveries = await intake.takeUntil(sentinel);
      // Channels keep no order among each other: the sentinel of one may overtake the other's messages.
      const missing = wanted.length + 1 - deliveries.length;
      const all = [...deliveries, ...(missing > 0 ? await intake.take(missing) : [])];
      claimArrived(all, [...idsOf(wanted), sentinel], "any-order", "messages of the two subscribed channels");
      for (const message of wanted)
        claimEqual(deliveryOf(all, idOf(message)).message.channel, message.channel, "channel");
    },
  },
  {
    title: "a first delivery is attempt 1, not redelivered, ours, and tells where the broker had it",
    body: async (scope) => {
      const transport = await scope.connect();
      const channel = await scope.channel();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      await scope.confirm(transport, [outgoing(channel)]);
      const delivery = await intake.next();
      claimEqual(delivery.attempt, 1, "attempt of a first delivery");
      claimEqual(delivery.redelivered, false, "redelivered of a first delivery");
      claimEqual(delivery.signal.aborted, false, "signal of a delivery that is ours");
      const values = Object.values(delivery.origin);
      claim(values.length > 0, "origin names no place at the broker");
      claim(
        values.every((value) => typeof value === "string" || Number.isFinite(value)),
        "origin holds a value that is neither text nor a number",
      );
    },
  },
];

/** Publishes these messages and fails unless each arrives as it was sent. All are of one channel. */
export async function claimRoundTrip(
  scope: TransportScope,
  sent: readonly ReturnType<typeof outgoing>[],
): Promise<void> {
  const channel = sent[0]?.channel ?? (await scope.channel());
  const transport = await scope.connect();
  const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
  await scope.confirm(transport, sent);
  const deliveries = await intake.take(sent.length);
  for (const message of sent) scope.claimSame(deliveryOf(deliveries, idOf(message)), message);
}

function deliveryOf(deliveries: readonly Delivery[], id: string): Delivery {
  const found = deliveries.find((one) => idOf(one.message) === id);
  claim(found, `message ${id} arrived under another id, or not at all`);
  return found;
}
