import { connect, createServer, type Server, type Socket } from "node:net";

/** A loopback TCP proxy in front of a server: tests cut, silence and shut it. */
export interface Proxy {
  readonly port: number;
  /** Destroys all connections; new ones are taken. */
  cut(): void;
  /** Destroys all connections and takes no new ones. */
  shut(): void;
  /** Takes connections again. */
  reopen(): void;
  /** Passes nothing in this direction on any more; connections stay open. */
  silence(direction: "replies" | "both"): void;
  /** Keeps the replies back on the connections that stand. */
  hold(): void;
  /** Lets go of what was kept back, in its order. */
  release(): void;
  /** Connections that were turned away so far. */
  refused(): number;
  close(): Promise<void>;
}

export async function openProxy(targetUrl: string): Promise<Proxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  const held = new Set<readonly [client: Socket, server: Socket]>();
  let open = true;
  let refused = 0;
  const server: Server = createServer((client) => {
    if (!open) {
      refused += 1;
      return void client.destroy();
    }
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on("error", () => undefined);
      from.on("close", () => {
        pairs.delete(pair);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Idle, it is nothing of the transport that a test counts.
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port: address.port,
    cut,
    shut: () => {
      open = false;
      cut();
    },
    reopen: () => {
      open = true;
    },
    silence: (direction) => {
      for (const [client, upstream] of pairs) {
        upstream.unpipe(client);
        upstream.resume();
        if (direction === "both") {
          client.unpipe(upstream);
          client.resume();
        }
      }
    },
    hold: () => {
      for (const pair of pairs) {
        const [client, upstream] = pair;
        upstream.unpipe(client);
        held.add(pair);
      }
    },
    release: () => {
      // Those that were made meanwhile pass replies on already: piped twice, they would pass each of them twice.
      for (const pair of held) {
        const [client, upstream] = pair;
        if (pairs.has(pair)) upstream.pipe(client);
      }
      held.clear();
    },
    refused: () => refused,
    close: async () => {
      open = false;
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
