import { trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { ordersApi, type OrdersApi } from "../src/orders/http.ts";
import type { NewOrder } from "../src/orders/place-order.ts";

const order = {
  customerId: "c",
  reference: "r",
  shipTo: { city: "Graz", country: "AT" },
  lines: [{ sku: "a", quantity: 1 }],
};

const well: Awaited<ReturnType<OrdersApi["health"]>> = {
  ok: true,
  broker: { state: "ready", errorCode: undefined, lastError: undefined },
  store: undefined,
  relay: undefined,
  consumers: [],
};

function api(parts: Partial<OrdersApi> = {}) {
  const placed: NewOrder[] = [];
  const failures: string[] = [];
  const app = ordersApi({
    tracer: trace.getTracer("test"),
    place: async (one) => {
      placed.push(one);
      return "id-1";
    },
    find: async (orderId) =>
      orderId === "id-1" ? { orderId, reference: "r", status: "placed", trackingCode: null } : undefined,
    health: async () => well,
    failed: (error) => failures.push(error.message),
    ...parts,
  });
  const post = (body: string) => app.request("/orders", { method: "POST", body });
  return { app, post, placed, failures };
}

test("an order is placed, and answered with its address", async () => {
  const { post, placed } = api();
  const response = await post(JSON.stringify(order));
  expect(response.status).toBe(201);
  expect(response.headers.get("location")).toBe("/orders/id-1");
  expect(await response.json()).toEqual({ orderId: "id-1" });
  expect(placed).toEqual([{ ...order, delivery: "standard" }]);
});

test.each([
  ["no JSON", "{", []],
  ["an empty body", "", []],
  ["an order without lines", JSON.stringify({ ...order, lines: [] }), ["lines"]],
  [
    "a country of three letters",
    JSON.stringify({ ...order, shipTo: { city: "Graz", country: "AUT" } }),
    ["shipTo.country"],
  ],
])("%s is answered with 400 and what is wrong", async (_, body, paths) => {
  const { post, placed } = api();
  const response = await post(body);
  expect(response.status).toBe(400);
  const answer: unknown = await response.json();
  expect(answer).toEqual({
    error: "This is no order.",
    problems: expect.arrayContaining([expect.any(String)]),
  });
  for (const path of paths) expect(JSON.stringify(answer)).toContain(`"${path}: `);
  expect(placed).toEqual([]);
});

test("a body that is too large is refused unread", async () => {
  const { post } = api();
  expect((await post("x".repeat(70_000))).status).toBe(413);
});

test("orders are found by id, and what is not there is 404", async () => {
  const { app } = api();
  expect(await (await app.request("/orders/id-1")).json()).toMatchObject({
    orderId: "id-1",
    status: "placed",
  });
  expect((await app.request("/orders/other")).status).toBe(404);
  expect((await app.request("/nowhere")).status).toBe(404);
});

test("a failure is told to the operator, and the caller learns no details", async () => {
  const { post, failures } = api({
    place: () => Promise.reject(new Error("password authentication failed")),
  });
  const response = await post(JSON.stringify(order));
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("password");
  expect(failures).toEqual(["password authentication failed"]);
});

test("health is 503 while the broker is away", async () => {
  const broker = { state: "reconnecting", errorCode: "TRANSPORT_UNAVAILABLE", lastError: "cut" } as const;
  const { app } = api({ health: async () => ({ ...well, ok: false, broker }) });
  expect((await app.request("/health")).status).toBe(503);
});
