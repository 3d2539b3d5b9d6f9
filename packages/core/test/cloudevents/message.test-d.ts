import { CloudEvent, type CloudEventV1 } from "cloudevents";
import { expectTypeOf, test } from "vitest";
import { fromCloudEvent, toCloudEvent } from "../../src/cloudevents/index.ts";
import type { Message } from "../../src/contracts/message.ts";
import { sealForeign } from "../../src/envelope/seal-foreign.ts";

interface Order {
  readonly orderId: string;
}
declare const message: Message<"com.acme.orders.order-placed.v1", Order>;

test("a message is a CloudEvent of the official package, by its type", () => {
  expectTypeOf(message).toExtend<CloudEventV1<Order>>();
  expectTypeOf<Message>().toExtend<CloudEventV1<unknown>>();
});

test("conversions keep the type of the data", () => {
  expectTypeOf(toCloudEvent(message)).toEqualTypeOf<CloudEvent<Order>>();
  expectTypeOf(fromCloudEvent(new CloudEvent({})).message).toEqualTypeOf<Message>();
});

test("what is forwarded may be an object of the package or a message", () => {
  expectTypeOf(sealForeign).toBeCallableWith(new CloudEvent({}));
  expectTypeOf(sealForeign).toBeCallableWith(message);
});
