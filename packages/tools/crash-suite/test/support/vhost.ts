import { randomUUID } from "node:crypto";
import { serverUrl, startedUrls } from "@postrider/test-servers";
import { connect, type Channel, type GetMessage } from "amqplib";
import { onTestFinished } from "vitest";
import { isStep, nameOf } from "../processes/wiring.ts";

/** A vhost of its own on the RabbitMQ of the tests, read by a raw client. */
export interface Vhost {
  readonly url: string;
  /** A queue of the test's own, which gets all that is published to this channel from now on. */
  listen(channel: string): Promise<void>;
  /** Takes out what the queue of `listen` has got, in its order. */
  heard(channel: string): Promise<readonly Heard[]>;
  /** Takes out what is in a queue. */
  take(queue: string): Promise<readonly Heard[]>;
  /** How many messages wait in a queue; 0 where there is none. Those that a consumer holds do not count. */
  ready(queue: string): Promise<number>;
  /** The queues that are not the test's own. */
  queues(): Promise<readonly string[]>;
}

/** What a message tells of itself. */
export interface Heard {
  readonly name: string;
  /** The id of the event. */
  readonly id: unknown;
}

const earPrefix = "ear-of-";

/** It is gone with all that is in it when the test has finished. */
export async function openVhost(): Promise<Vhost> {
  const vhost = `crash-${randomUUID()}`;
  const url = new URL(serverUrl("rabbitmq"));
  url.pathname = `/${vhost}`;
  await ask("PUT", `vhosts/${vhost}`);
  onTestFinished(() => ask("DELETE", `vhosts/${vhost}`).then(() => undefined));
  await ask("PUT", `permissions/${vhost}/${url.username}`, { configure: ".*", write: ".*", read: ".*" });
  const model = await connect(url.href, { noDelay: true });
  model.on("error", () => undefined);
  onTestFinished(() => model.close());
  const channel = await model.createChannel();
  const take = (queue: string): Promise<readonly Heard[]> => takeAll(channel, queue);
  return {
    url: url.href,
    listen: async (name) => {
      const queue = earPrefix + name;
      await channel.assertExchange(name, "topic", { durable: true });
      await channel.assertQueue(queue, { durable: true });
      await channel.bindQueue(queue, name, "#");
    },
    heard: (name) => take(earPrefix + name),
    take,
    ready: async (queue) => {
      // A queue that is not there costs the channel.
      const own = await model.createChannel();
      own.on("error", () => undefined);
      const found = await own.checkQueue(queue).catch(() => undefined);
      if (found === undefined) return 0;
      await own.close();
      return found.messageCount;
    },
    queues: async () => {
      const all: unknown = await ask("GET", `queues/${vhost}?columns=name`);
      if (!Array.isArray(all)) return [];
      return all.map(({ name }: { name: string }) => name).filter((name) => !name.startsWith(earPrefix));
    },
  };
}

async function takeAll(channel: Channel, queue: string): Promise<readonly Heard[]> {
  const all: Heard[] = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) return all;
    all.push(heardOf(message));
  }
}

function heardOf({ content, properties }: GetMessage): Heard {
  const data: unknown = JSON.parse(content.toString());
  if (!isStep(data)) throw new Error(`A message that nobody of this suite has sent: ${content.toString()}`);
  return { name: nameOf(data), id: properties.messageId };
}

async function ask(method: "GET" | "PUT" | "DELETE", path: string, body?: object): Promise<unknown> {
  const { management } = startedUrls("rabbitmq");
  if (management === undefined) throw new Error("the RabbitMQ of the tests has no management API");
  const { username, password, origin } = new URL(management);
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
      "content-type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}
