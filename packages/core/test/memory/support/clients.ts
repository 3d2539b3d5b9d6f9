import { onTestFinished } from "vitest";
import type { CodedError } from "../../../src/contracts/failure.ts";
import type {
  Delivery,
  SubscriptionRequest,
  TransportSubscription,
} from "../../../src/contracts/subscription.ts";
import type { PublishOutcome } from "../../../src/contracts/transport.ts";
import type { OutgoingMessage } from "../../../src/contracts/wire.ts";
import { memoryBroker, type MemoryBroker } from "../../../src/memory/broker/broker.ts";
import type { MemoryTransportOptions } from "../../../src/memory/transport/options.ts";
import { memory, type MemoryTransport } from "../../../src/memory/transport/transport.ts";

/** A connected transport that is closed when the test ends. */
export async function connected(
  broker: MemoryBroker = memoryBroker(),
  options: MemoryTransportOptions = {},
): Promise<MemoryTransport> {
  const transport = memory({ ...options, broker });
  await transport.connect();
  onTestFinished(() => transport.close());
  return transport;
}

export function outgoing(text: string, parts: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const body = Buffer.from(text);
  return {
    channel: "orders",
    type: "placed",
    key: undefined,
    shard: 0,
    messageId: `/test#${text}`,
    sizeBytes: body.byteLength,
    attributes: { id: text, type: "placed" },
    headers: {},
    contentType: "text/plain",
    body,
    ...parts,
  };
}

export const keyed = (key: string, text: string): OutgoingMessage => outgoing(text, { key });

export function textOf(delivery: Delivery): string {
  return Buffer.from(delivery.message.body ?? []).toString();
}

export function subscription(parts: Partial<SubscriptionRequest> = {}): SubscriptionRequest {
  return {
    group: "shipping",
    channels: [{ channel: "orders", types: "all" }],
    ordering: "none",
    members: "share",
    startAt: "new",
    maxInFlight: 10,
    onFault: () => undefined,
    ...parts,
  };
}

/** A subscription that writes down what it gets. `settle` decides about each delivery; without it none is settled. */
export interface Listener {
  readonly deliveries: Delivery[];
  readonly faults: CodedError[];
  readonly subscription: TransportSubscription;
  texts(): string[];
}

export async function listen(
  transport: MemoryTransport,
  parts: Partial<SubscriptionRequest> = {},
  settle: (delivery: Delivery) => unknown = () => undefined,
): Promise<Listener> {
  const deliveries: Delivery[] = [];
  const faults: CodedError[] = [];
  const request = subscription({ onFault: (error) => faults.push(error), ...parts });
  const opened = await transport.consumer.subscribe(request, (delivery) => {
    deliveries.push(delivery);
    settle(delivery);
  });
  return { deliveries, faults, subscription: opened, texts: () => deliveries.map(textOf) };
}

export const ack = (delivery: Delivery): Promise<void> => delivery.settle({ kind: "ack" });

export function publish(
  transport: MemoryTransport,
  ...messages: readonly OutgoingMessage[]
): Promise<readonly PublishOutcome[]> {
  return transport.publisher.publish(messages, { deadlineMs: 1000 });
}

/** Lets the broker finish everything asked so far, and what follows from it. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const statuses = (outcomes: readonly PublishOutcome[]): string[] =>
  outcomes.map((outcome) => (outcome.status === "confirmed" ? "confirmed" : outcome.error.code));
