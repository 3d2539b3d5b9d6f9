import { randomUUID } from "node:crypto";
import { serverUrl } from "@postrider/test-servers";
import { Redis } from "ioredis";
import { redis, type RedisOptions, type RedisTransport } from "../../src/index.ts";
import { openProxy, type Proxy } from "./proxy.ts";

/** A prefix of its own: a broker of its own as far as a test can see, gone with all that is in it. */
export interface TestBroker {
  readonly url: string;
  readonly prefix: string;
  /** A raw connection, for what a transport would not do. Ended with the broker. */
  raw(): Promise<Redis>;
  /** A transport through a proxy of its own, which can be cut. Both are closed with the broker. */
  transport(options?: RedisOptions): Promise<Proxied>;
  /** The keys there are, without the prefix. */
  keys(): Promise<readonly string[]>;
  /** The server closes the connections of the transports. */
  closeConnections(): Promise<void>;
  remove(): Promise<void>;
}

export interface Proxied {
  readonly transport: RedisTransport;
  readonly proxy: Proxy;
}

export async function createBroker(): Promise<TestBroker> {
  const id = randomUUID().slice(0, 8);
  const prefix = `test-${id}:`;
  const url = serverUrl("redis");
  const ends: (() => Promise<unknown>)[] = [];
  const raw = async (): Promise<Redis> => {
    const client = new Redis(url, { lazyConnect: true, protocol: 2 });
    client.on("error", () => undefined);
    await client.connect();
    ends.push(async () => client.disconnect());
    return client;
  };
  const keys = async (): Promise<readonly string[]> => {
    const client = await raw();
    const found: string[] = [];
    for await (const page of client.scanStream({ match: `${prefix}*`, count: 1_000 })) found.push(...page);
    return found.map((key) => key.slice(prefix.length)).sort();
  };
  return {
    url,
    prefix,
    raw,
    transport: async (options = {}) => {
      const proxy = await openProxy(url);
      const through = new URL(url);
      through.port = String(proxy.port);
      const transport = redis({
        maxReconnectDelayMs: 500,
        namePrefix: prefix,
        connectionName: `test-${id}`,
        leaseMs: 1_500,
        ...options,
        url: through.href,
      });
      ends.push(async () => {
        await transport.close();
        await proxy.close();
      });
      return { transport, proxy };
    },
    keys,
    closeConnections: async () => {
      const client = await raw();
      const list = String(await client.call("CLIENT", "LIST"));
      for (const line of list.split("\n")) {
        const clientId = /^id=(\d+) /.exec(line)?.[1];
        if (clientId !== undefined && line.includes(` name=test-${id}:`))
          await client.call("CLIENT", "KILL", "ID", clientId);
      }
    },
    remove: async () => {
      for (const end of ends.splice(0).toReversed()) await end();
      const client = await raw();
      const left = await keys();
      if (left.length > 0) await client.unlink(...left.map((key) => prefix + key));
      for (const end of ends.splice(0)) await end();
    },
  };
}
