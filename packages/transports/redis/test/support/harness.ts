import type { RawMessage, TransportHarness } from "@postrider/conformance";
import { kill, start } from "@postrider/test-servers";
import { redis, type RedisTransport } from "../../src/index.ts";
import { createBroker, type Proxied, type TestBroker } from "./broker.ts";

const maxMessageBytes = 128 * 1024;
const leaseMs = 1_500;

/** Everything the conformance suite asks of Redis, under a prefix of its own. */
export function redisHarness(name: string): TransportHarness<RedisTransport> {
  let here: TestBroker | undefined;
  let elsewhere: TestBroker | undefined;
  let channels = 0;
  const proxied = new WeakMap<object, Proxied>();
  const broker = (): TestBroker => {
    if (here === undefined) throw new Error("the harness is not set up");
    return here;
  };
  return {
    name,
    capabilities: redis({ maxMessageBytes }).capabilities,
    limits: { timeScale: 3, leaseMs },
    setup: async () => {
      here = await createBroker();
      elsewhere = await createBroker();
    },
    teardown: async () => {
      await here?.remove();
      await elsewhere?.remove();
    },
    create: async () => {
      const both = await broker().transport({ maxMessageBytes, leaseMs });
      proxied.set(both.transport, both);
      return both.transport;
    },
    createElsewhere: async () => {
      if (elsewhere === undefined) throw new Error("the harness is not set up");
      const { transport } = await elsewhere.transport();
      return transport;
    },
    createUnreachable: async () => redis({ url: "redis://127.0.0.1:9", connectTimeoutMs: 1_000 }),
    createRefused: async () => {
      const url = new URL(broker().url);
      url.password = "wrong";
      return redis({ url: url.href });
    },
    channel: () => `com.example.channel-${(channels += 1)}`,
    undeclaredChannel: { name: () => `com.example.nowhere-${(channels += 1)}`, outcome: "created" },
    cutConnection: async (transport) => proxied.get(transport)?.proxy.cut(),
    crash: async (transport) => {
      proxied.get(transport)?.proxy.shut();
      await transport.close();
    },
    stopBroker: () => kill("redis"),
    startBroker: async () => void (await start("redis")),
    rawPublish: (message) => rawPublish(broker(), message),
  };
}

/** A producer that knows the streams of a channel, and nothing of CloudEvents. */
async function rawPublish(broker: TestBroker, { channel, headers, body }: RawMessage): Promise<void> {
  const client = await broker.raw();
  const fields = headers.flatMap(([name, value]) => [
    name,
    typeof value === "string" ? value : Buffer.from(value),
  ]);
  await client.xadd(`${broker.prefix}{${channel}:0}`, "*", ...fields, "data", Buffer.from(body));
}
