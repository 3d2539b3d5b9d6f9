import { memory } from "@postrider/core";
import type { Broker } from "../wiring/brokers.ts";
import type { RawClient, RawClientOptions } from "./raw-client.ts";

/** On the broker in memory: reads as a group of its own, and injects at the broker. */
export async function startMemoryRawClient({ local }: Broker, options: RawClientOptions): Promise<RawClient> {
  const { channel, type, sendAgain } = options;
  const transport = memory({ broker: local });
  const copies = new Set<string>();
  let injected = 0;
  const identityOf = (attributes: Readonly<Record<string, string>>) =>
    `${attributes["source"]}#${attributes["id"]}`;

  await transport.connect();
  await transport.consumer.subscribe(
    {
      group: "raw-client",
      channels: [{ channel, types: [type] }],
      ordering: "none",
      members: "share",
      startAt: "new",
      maxInFlight: 100,
      onFault: () => {},
    },
    (delivery) => {
      const { attributes, headers, contentType, body, key } = delivery.message;
      const identity = identityOf(attributes);
      // Its own copies come back to it as well: each of them once.
      if (!copies.delete(identity) && body !== undefined && sendAgain(body)) {
        copies.add(identity);
        local.inject(channel, { attributes, headers, contentType, body, key, type });
        injected += 1;
      }
      void delivery.settle({ kind: "ack" });
    },
  );
  return { injected: () => injected, close: () => transport.close() };
}
