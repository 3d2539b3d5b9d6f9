import { CloudEvent } from "cloudevents";
import { expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { listenTo } from "../support/listener.ts";
import { place, publisherOn } from "../support/services.ts";

const parts = {
  id: "42",
  source: "https://elsewhere.example/shop",
  type: "com.acme.orders.order-placed.v1",
  time: "2020-02-02T02:02:02.123456Z",
  data: { orderId: "1" },
  partitionkey: "key",
};

async function forwarded(
  event: Parameters<Awaited<ReturnType<typeof publisherOn>>["forward"]>[0],
  channel?: string,
) {
  const here = place();
  const messaging = await publisherOn(here);
  await messaging.forward(event, { channel });
  const { arrived } = await listenTo(here.broker, channel ?? "com.acme.orders");
  await until("it arrived", () => arrived.length === 1);
  return arrived[0];
}

test("58. forward sends an instance of the cloudevents package as it is: no attribute of it is changed", async () => {
  const message = await forwarded(new CloudEvent(parts));
  expect(message?.attributes).toEqual({
    specversion: "1.0",
    id: "42",
    source: parts.source,
    type: parts.type,
    time: parts.time,
    partitionkey: "key",
  });
  expect(message).toMatchObject({ key: "key", data: { orderId: "1" }, contentType: "application/json" });
});

test("58. forward takes a plain object, and the channel that is named", async () => {
  const message = await forwarded({ specversion: "1.0", ...parts }, "com.acme.elsewhere");
  expect(message).toMatchObject({ channel: "com.acme.elsewhere", id: "42", data: { orderId: "1" } });
});

test("forward refuses what is no CloudEvent, and lists everything that is wrong", async () => {
  const messaging = await publisherOn(place());
  const error: unknown = await messaging
    .forward({ specversion: "0.3", id: "", source: "/test", type: "x" })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "CONTRACT_INVALID_EVENT", retryable: false });
  expect(String(error)).toMatch(/specversion/);
  expect(String(error)).toMatch(/id/);
});

test("7. forward rejects like publish when the broker refuses", async () => {
  const messaging = await publisherOn(place({ maxMessageBytes: 50 }));
  await expect(messaging.forward({ specversion: "1.0", ...parts })).rejects.toMatchObject({
    name: "PublishError",
    code: "TRANSPORT_TOO_LARGE",
    outcome: "rejected",
  });
});
