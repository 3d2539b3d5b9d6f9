import { memory, type MemoryBroker, type WireMessage } from "@postrider/core";
import { onTestFinished } from "vitest";

/** A message as it lay with the broker. */
export interface Arrived extends WireMessage {
  readonly id: string;
  readonly type: string;
  readonly channel: string;
  readonly key: string | undefined;
  readonly data: unknown;
}

export interface Listener {
  /** All copies, in the order of their arrival. */
  readonly arrived: readonly Arrived[];
  /** The first copy of each id, in order. */
  first(): readonly Arrived[];
}

/** Somebody else's client on the broker, who hears everything in these channels since ever. */
export async function listenTo(broker: MemoryBroker, ...channels: readonly string[]): Promise<Listener> {
  const transport = memory({ broker });
  await transport.connect();
  onTestFinished(() => transport.close());
  const arrived: Arrived[] = [];
  await transport.consumer.subscribe(
    {
      group: "listener",
      channels: channels.map((channel) => ({ channel, types: "all" })),
      ordering: "key",
      members: "share",
      startAt: "beginning",
      maxInFlight: 10_000,
      onFault: () => undefined,
    },
    (delivery) => {
      const { message } = delivery;
      const { id = "", type = "" } = message.attributes;
      const text = message.body === undefined ? "null" : Buffer.from(message.body).toString();
      arrived.push({ ...message, id, type, data: JSON.parse(text) });
      void delivery.settle({ kind: "ack" });
    },
  );
  const first = () => [...new Map(arrived.toReversed().map((one) => [one.id, one])).values()].reverse();
  return { arrived, first };
}

/** The member `n` of the data, which tests count by. */
export function numbersOf(arrived: readonly Arrived[]): readonly unknown[] {
  return arrived.map(({ data }) => (data as { readonly n?: unknown }).n);
}
