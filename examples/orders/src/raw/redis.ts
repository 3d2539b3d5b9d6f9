import { Redis } from "ioredis";
import type { Broker } from "../wiring/brokers.ts";
import type { RawClient, RawClientOptions } from "./raw-client.ts";

/** A channel is spread over so many streams, unless the services say otherwise. */
const partitions = 8;

/** On Redis: a plain reader beside the groups, and the same entry added once more. */
export async function startRedisRawClient(
  { choice }: Broker,
  { channel, sendAgain }: RawClientOptions,
): Promise<RawClient> {
  const options = { lazyConnect: true, retryStrategy: null, protocol: 2 } as const;
  const [reading, adding] = [new Redis(choice.url, options), new Redis(choice.url, options)];
  for (const client of [reading, adding]) {
    // A connection that breaks ends this client: the run then waits in vain for its copies, and says so.
    client.on("error", () => {});
    await client.connect();
  }
  const positions = new Map<string, string>();
  for (let index = 0; index < partitions; index += 1) {
    const stream = `{${channel}:${index}}`;
    const [last] = await adding.xrevrange(stream, "+", "-", "COUNT", 1);
    positions.set(stream, last?.[0] ?? "0-0");
  }
  const copies = new Set<string>();
  let injected = 0;

  const see = async (stream: string, fields: readonly Buffer[]): Promise<void> => {
    const valueOf = (name: string) => fields[fields.findIndex((one) => one.toString() === name) + 1];
    const id = valueOf("ce_id")?.toString() ?? "";
    // Its own copies come back to it as well: each of them once.
    if (copies.delete(id) || !sendAgain(valueOf("data") ?? Buffer.alloc(0))) return;
    copies.add(id);
    await adding.xadd(stream, "*", ...fields);
    injected += 1;
  };
  const read = async (): Promise<void> => {
    for (;;) {
      const found = await reading.xreadBuffer(
        "COUNT",
        100,
        "BLOCK",
        1_000,
        "STREAMS",
        ...positions.keys(),
        ...positions.values(),
      );
      for (const [name, entries] of found ?? []) {
        for (const [id, fields] of entries) {
          positions.set(name.toString(), id.toString());
          await see(name.toString(), fields);
        }
      }
    }
  };
  // Ends with its connection.
  const reads = read().catch(() => {});
  return {
    injected: () => injected,
    close: async () => {
      reading.disconnect();
      await reads;
      adding.disconnect();
    },
  };
}
