import { createServer } from "node:net";
import type { ConnectionState } from "@postrider/core";
import { until } from "@postrider/fault-suite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redis } from "../src/index.ts";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { outgoing } from "./support/messages.ts";
import { subscribe } from "./support/subscribe.ts";

describe("the connections to Redis", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());

  test("a host that does not answer is passed over for the next", async () => {
    const { username, password, port } = new URL(broker.url);
    const transport = redis({ url: `redis://${username}:${password}@127.0.0.1:9,127.0.0.1:${port}` });
    await transport.connect();
    expect(transport.state()).toBe("ready");
    await transport.close();
  });

  test("54. no error of a refused login holds a password", async () => {
    const transport = redis({ url: broker.url.replace(/:[^:@]*@/, ":verysecret@") });
    const error: unknown = await transport.connect().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "TRANSPORT_ACCESS_REFUSED", retryable: false });
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain(
      "verysecret",
    );
    expect(transport.state()).toBe("failed");
    await transport.close();
  });

  test("57. connect is given up by its signal, and by its own limit, where a server takes the call and says nothing", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const giveUp = new AbortController();
    const transport = redis({ url: `redis://127.0.0.1:${port}`, connectTimeoutMs: 300 });
    const connecting = transport.connect({ signal: giveUp.signal });
    giveUp.abort(new Error("no time"));
    await expect(connecting).rejects.toThrow("no time");
    await expect(transport.connect()).rejects.toThrow(
      `Redis at 127.0.0.1:${port} cannot be used: no answer within 300 ms`,
    );
    await transport.close();
    await new Promise<void>((resolve) => silent.close(() => resolve()));
  });

  test("52. each change of state is told over a cut, and close ends in time while the server is away", async () => {
    const { transport, proxy } = await broker.transport();
    const states: ConnectionState[] = [];
    transport.onState((state) => void states.push(state));
    await transport.connect();
    const { faults } = await subscribe(transport, { channels: ["states"], group: "states" });
    proxy.cut();
    await expect.poll(() => states).toContain("reconnecting");
    await expect.poll(() => states.at(-1), { timeout: 10_000 }).toBe("ready");
    expect([...new Set(states)]).toEqual(["connecting", "ready", "reconnecting"]);
    expect(faults.map(({ code }) => code)).toEqual(["TRANSPORT_SUBSCRIPTION_LOST"]);
    proxy.shut();
    await expect.poll(() => transport.state()).toBe("reconnecting");
    const publish = transport.publisher.publish([outgoing("states")], { deadlineMs: 300 });
    const startedMs = performance.now();
    await transport.close();
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect((await publish)[0]).toMatchObject({
      status: "rejected",
      error: { code: "TRANSPORT_UNAVAILABLE" },
    });
    expect(transport.state()).toBe("closed");
  });

  test("a server whose policy would throw whole streams away is refused, and says what to set", async () => {
    const client = await broker.raw();
    await client.config("SET", "maxmemory-policy", "allkeys-lru");
    const transport = redis({ url: broker.url });
    try {
      await expect(transport.connect()).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("maxmemory-policy is allkeys-lru") as string,
      });
    } finally {
      await client.config("SET", "maxmemory-policy", "noeviction");
    }
    await transport.connect();
    await transport.close();
  });

  test("a replica is passed over: it takes no writes", async () => {
    const client = await broker.raw();
    await client.replicaof("127.0.0.1", "9");
    const transport = redis({ url: broker.url });
    try {
      await expect(transport.connect()).rejects.toMatchObject({
        code: "TRANSPORT_UNAVAILABLE",
        message: expect.stringContaining("it is a replica") as string,
      });
    } finally {
      await client.replicaof("NO", "ONE");
    }
    await until("it is a primary", async () => (await client.info("replication")).includes("role:master"));
    await transport.connect();
    await transport.close();
  });
});
