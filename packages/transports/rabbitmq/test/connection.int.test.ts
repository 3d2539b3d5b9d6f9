import { createServer } from "node:net";
import type { ConnectionState } from "@postrider/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rabbitmq } from "../src/index.ts";
import { createBroker, type TestBroker } from "./support/broker.ts";
import { openProxy } from "./support/proxy.ts";
import { outgoing } from "./support/messages.ts";
import { subscribe } from "./support/subscribe.ts";

describe("the connections to RabbitMQ", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await createBroker();
  });
  afterAll(() => broker.remove());

  test("a host that does not answer is passed over for the next", async () => {
    const { username, password, port, pathname } = new URL(broker.url);
    const transport = rabbitmq({
      url: `amqp://${username}:${password}@127.0.0.1:9,127.0.0.1:${port}${pathname}`,
    });
    await transport.connect();
    expect(transport.state()).toBe("ready");
    await transport.close();
  });

  test("54. a vhost that does not exist is refused, and no error holds a password", async () => {
    const url = new URL(broker.url);
    url.pathname = "/nowhere";
    for (const wrong of [url.href, broker.url.replace(/:[^:@]*@/, ":verysecret@")]) {
      const transport = rabbitmq({ url: wrong });
      const error: unknown = await transport.connect().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "TRANSPORT_ACCESS_REFUSED", retryable: false });
      const told = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
      expect(told).not.toContain(new URL(wrong).password);
      expect(transport.state()).toBe("failed");
      await transport.close();
    }
  });

  test("57. connect is given up by its signal, and by its own limit, where a server takes the call and says nothing", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const giveUp = new AbortController();
    const transport = rabbitmq({ url: `amqp://127.0.0.1:${port}`, connectTimeoutMs: 300 });
    const connecting = transport.connect({ signal: giveUp.signal });
    giveUp.abort(new Error("no time"));
    await expect(connecting).rejects.toThrow("no time");
    await expect(transport.connect()).rejects.toThrow(
      `RabbitMQ at 127.0.0.1:${port} cannot be reached: no answer within 300 ms`,
    );
    await transport.close();
    await new Promise<void>((resolve) => silent.close(() => resolve()));
  });

  test("52. each change of state is told over a cut, and close ends in time while the broker is away", async () => {
    const proxy = await openProxy(broker.url);
    const url = new URL(broker.url);
    url.port = String(proxy.port);
    const transport = rabbitmq({ url: url.href, maxReconnectDelayMs: 200 });
    const states: ConnectionState[] = [];
    transport.onState((state) => void states.push(state));
    await transport.connect();
    const { faults } = await subscribe(transport, { channels: ["states"], group: "states" });
    proxy.cut();
    await expect.poll(() => states.at(-1)).toBe("reconnecting");
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
    await proxy.close();
  });
});
