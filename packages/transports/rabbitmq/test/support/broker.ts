import { randomUUID } from "node:crypto";
import { until } from "@postrider/fault-suite";
import { serverUrl, startedUrls } from "@postrider/test-servers";
import { connect, type ChannelModel } from "amqplib";
import { rabbitmq, type RabbitmqOptions, type RabbitmqTransport } from "../../src/index.ts";
import { openProxy, type Proxy } from "./proxy.ts";

/** A vhost of its own: a broker of its own as far as a test can see, gone with all that is in it. */
export interface TestBroker {
  readonly url: string;
  /** A raw connection, for what a transport would not do. Ended with the broker. */
  raw(): Promise<ChannelModel>;
  /** A transport through a proxy of its own, which can be cut. Both are closed with the broker. */
  transport(options?: RabbitmqOptions): Promise<Proxied>;
  /** What the management API says of a queue. */
  queue(name: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  queueNames(): Promise<readonly string[]>;
  /** The server closes every connection there is to this broker. */
  closeConnections(): Promise<void>;
  remove(): Promise<void>;
}

export interface Proxied {
  readonly transport: RabbitmqTransport;
  readonly proxy: Proxy;
}

export async function createBroker(): Promise<TestBroker> {
  const vhost = `test-${randomUUID()}`;
  const url = new URL(serverUrl("rabbitmq"));
  url.pathname = `/${vhost}`;
  const ends: (() => Promise<unknown>)[] = [];
  await ask("PUT", `vhosts/${vhost}`);
  await ask("PUT", `permissions/${vhost}/${url.username}`, { configure: ".*", write: ".*", read: ".*" });
  return {
    url: url.href,
    raw: async () => {
      const model = await connect(url.href, { noDelay: true });
      model.on("error", () => undefined);
      ends.push(() => model.close().catch(() => undefined));
      return model;
    },
    transport: async (options = {}) => {
      const proxy = await openProxy(url.href);
      const through = new URL(url);
      through.port = String(proxy.port);
      const transport = rabbitmq({ maxReconnectDelayMs: 500, ...options, url: through.href });
      ends.push(async () => {
        await transport.close();
        await proxy.close();
      });
      return { transport, proxy };
    },
    queue: (name) => ask("GET", `queues/${vhost}/${encodeURIComponent(name)}`),
    queueNames: async () => {
      const queues: unknown = await ask("GET", `queues/${vhost}?columns=name`);
      return Array.isArray(queues) ? queues.map((one: { name: string }) => one.name) : [];
    },
    closeConnections: async () => {
      // The management hears of a connection up to a second after it stands.
      const names = async (): Promise<readonly string[]> => {
        const found: unknown = await ask("GET", `vhosts/${vhost}/connections?columns=name`);
        return Array.isArray(found) ? found.map((one: { name: string }) => one.name) : [];
      };
      await until("the management knows the connections", async () => (await names()).length > 0);
      for (const name of await names()) await ask("DELETE", `connections/${encodeURIComponent(name)}`);
    },
    remove: async () => {
      for (const end of ends.toReversed()) await end();
      await ask("DELETE", `vhosts/${vhost}`);
    },
  };
}

/** Asks the management API. `undefined` for what is not there. */
async function ask(
  method: "GET" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
): Promise<Readonly<Record<string, unknown>> | undefined> {
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
  const text = await response.text();
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
  return text === "" ? {} : JSON.parse(text);
}
