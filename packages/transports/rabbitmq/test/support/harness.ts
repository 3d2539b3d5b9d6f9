import type { RawMessage, TransportHarness } from "@postrider/conformance";
import { kill, start } from "@postrider/test-servers";
import { rabbitmq, type RabbitmqTransport } from "../../src/index.ts";
import { createBroker, type Proxied, type TestBroker } from "./broker.ts";

const maxMessageBytes = 128 * 1024;

/** Everything the conformance suite asks of RabbitMQ, on a vhost of its own. */
export function rabbitmqHarness(name: string): TransportHarness<RabbitmqTransport> {
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
    capabilities: rabbitmq({ maxMessageBytes }).capabilities,
    limits: { timeScale: 3 },
    setup: async () => {
      here = await createBroker();
      elsewhere = await createBroker();
    },
    teardown: async () => {
      await here?.remove();
      await elsewhere?.remove();
    },
    create: async () => {
      const both = await broker().transport({ maxMessageBytes });
      proxied.set(both.transport, both);
      return both.transport;
    },
    createElsewhere: async () => {
      if (elsewhere === undefined) throw new Error("the harness is not set up");
      const { transport } = await elsewhere.transport({ unroutable: "drop" });
      return transport;
    },
    createUnreachable: async () => rabbitmq({ url: "amqp://127.0.0.1:9", connectTimeoutMs: 1_000 }),
    createRefused: async () => {
      const url = new URL(broker().url);
      url.password = "wrong";
      return rabbitmq({ url: url.href });
    },
    // A message for which no queue is bound is refused: with one behind, cases may publish before they subscribe.
    channel: async () => {
      const channel = `com.example.channel-${(channels += 1)}`;
      const model = await broker().raw();
      const raw = await model.createChannel();
      await raw.assertExchange(channel, "topic", { durable: true });
      await raw.assertQueue(`sink of ${channel}`, { durable: true, maxLength: 1 });
      await raw.bindQueue(`sink of ${channel}`, channel, "#");
      await model.close();
      return channel;
    },
    undeclaredChannel: { name: () => "com.example.nowhere", outcome: "TRANSPORT_UNROUTABLE" },
    cutConnection: async (transport) => proxied.get(transport)?.proxy.cut(),
    crash: async (transport) => {
      proxied.get(transport)?.proxy.shut();
      await transport.close();
    },
    stopBroker: () => kill("rabbitmq"),
    startBroker: async () => void (await start("rabbitmq")),
    rawPublish: (message) => rawPublish(broker(), message),
  };
}

async function rawPublish(broker: TestBroker, { channel, headers, body }: RawMessage): Promise<void> {
  const model = await broker.raw();
  const raw = await model.createConfirmChannel();
  const table = Object.fromEntries(
    headers.map(([name, value]) => [name, typeof value === "string" ? value : Buffer.from(value)]),
  );
  raw.publish(channel, "foreign", Buffer.from(body), { headers: table });
  await raw.waitForConfirms();
  await model.close();
}
