import { expect, onTestFinished, test, vi } from "vitest";
import { createLog } from "../src/demo/log.ts";
import { startApart } from "../src/demo/services.ts";
import { startProcess } from "../src/processes/start-process.ts";
import type { StartMessage } from "../src/processes/protocol.ts";
import { ownDatabase } from "./support/own-database.ts";

const limitMs = 240_000;
const traceId = "0af7651916cd43dd8448eb211c80319c";
const start: StartMessage = {
  kind: "start",
  service: "orders",
  choice: { broker: { kind: "memory", url: "memory://" }, database: { kind: "pglite" } },
  relay: "inside",
  traceId,
};

test(
  "a service in a process of its own: its parent calls it, reads its spans, and it ends by itself when it is closed",
  async () => {
    fromSources();
    const orders = await startProcess(start, () => {});
    onTestFinished(() => orders.close());
    const url = await orders.call("url");
    const response = await fetch(`${String(url)}/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      body: JSON.stringify({
        customerId: "c",
        reference: "r-1",
        shipTo: { city: "Graz", country: "AT" },
        lines: [{ sku: "a", quantity: 1 }],
      }),
    });
    expect(response.status).toBe(201);
    const page = await orders.call("list", { referencePrefix: "r-", after: "", limit: 10 });
    expect(page).toEqual([{ orderId: expect.any(String), reference: "r-1" }]);
    await expect
      .poll(() => orders.call("spans"))
      .toContainEqual(expect.objectContaining({ traceId, name: "POST /orders" }));
    await expect(orders.call("nonsense")).rejects.toThrow("orders: There is no nonsense.");

    await orders.close();
    expect(isAlive(orders.pid)).toBe(false);
    await expect(orders.call("url")).rejects.toThrow("The process of orders ended: exit code 0");
  },
  limitMs,
);

test(
  "a process that is killed fails the calls under way and those that come later",
  async () => {
    fromSources();
    const orders = await startProcess(start, () => {});
    onTestFinished(() => orders.close());
    process.kill(orders.pid, "SIGSTOP");
    const call = orders.call("url");
    process.kill(orders.pid, "SIGKILL");
    await expect(call).rejects.toThrow("The process of orders ended: SIGKILL");
    await expect(orders.call("url")).rejects.toThrow("SIGKILL");
  },
  limitMs,
);

test(
  "both services apart, on one server: each is called in its own process and works on its own tables",
  async () => {
    fromSources();
    const database = { kind: "postgres", url: await ownDatabase() } as const;
    const log = createLog(() => {});
    const services = await startApart({
      choice: { ...start.choice, database },
      relay: "inside",
      traceId,
      log,
    });
    try {
      const page = { referencePrefix: "r-", after: "", limit: 10 };
      expect(await services.orders.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(await services.orders.list(page)).toEqual([]);
      expect(await services.shipping.counts()).toMatchObject({ handled: 0, duplicate: 0 });
      expect(await services.shipping.countShipments(["none"])).toEqual({
        deliveries: 0,
        shipments: 0,
        orders: 0,
      });
      expect(await services.spans()).toEqual([]);
    } finally {
      await services.close();
    }
    await expect(services.orders.url()).rejects.toThrow("The process of orders ended");
    expect(log.lines()).toEqual([]);
  },
  limitMs,
);

test("a service that cannot start says why, and leaves no process", async () => {
  fromSources();
  const database = { kind: "postgres", url: "postgres://127.0.0.1:1/none" } as const;
  const lines: string[] = [];
  const starting = startProcess({ ...start, choice: { ...start.choice, database } }, (line) =>
    lines.push(line),
  );
  await expect(starting).rejects.toThrow(/^orders: .*could not be reached|^orders: .*ECONNREFUSED/);
});

/** The child is to load the packages from their sources as well. */
function fromSources(): void {
  vi.stubEnv("NODE_OPTIONS", "--conditions=@postrider/source");
  onTestFinished(() => void vi.unstubAllEnvs());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
