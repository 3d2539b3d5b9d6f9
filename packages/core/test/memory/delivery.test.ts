import { expect, test } from "vitest";
import { ack, connected, listen, outgoing, publish, settled, statuses, textOf } from "./support/clients.ts";

test("1. messages published before and after subscribe arrive once each, body, key and headers equal", async () => {
  const transport = await connected();
  const message = (text: string) =>
    outgoing(text, { key: `key of ${text}`, headers: { "x-a": "1", traceparent: "00-1" }, contentType: "text/x" });
  await publish(transport, message("before"));
  const { deliveries } = await listen(transport, { startAt: "beginning" }, ack);
  await publish(transport, message("after"));
  await settled();
  expect(deliveries.map(({ message }) => message)).toEqual(
    ["before", "after"].map((text) => ({
      channel: "orders",
      key: `key of ${text}`,
      attributes: { id: text, type: "placed" },
      headers: { "x-a": "1", traceparent: "00-1" },
      contentType: "text/x",
      body: new Uint8Array(Buffer.from(text)),
    })),
  );
});

test("retry, dead letter, close", async () => {
  const transport = await connected();
  const listener = await listen(transport, {}, (delivery) =>
    delivery.attempt < 2
      ? delivery.settle({ kind: "retry", delayMs: 0, attempt: delivery.attempt })
      : delivery.settle({ kind: "dead-letter", letter: outgoing(`letter of ${textOf(delivery)}`) }),
  );
  expect(statuses(await publish(transport, outgoing("a"), outgoing("b")))).toEqual(["confirmed", "confirmed"]);
  await settled();
  expect(listener.texts()).toEqual(["a", "b", "a", "b"]);
  const letters = await listen(transport, { of: "dead-letters" }, ack);
  await settled();
  expect(letters.texts()).toEqual(["letter of a", "letter of b"]);
  expect(transport.native.inspect().groups).toMatchObject([{ group: "shipping", queued: 0, unsettled: 0, deadLetters: 0 }]);
  await transport.close();
  expect(transport.state()).toBe("closed");
});
