import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createMessaging,
  defineConsumer,
  fixed,
  memory,
  memoryBroker,
  Reject,
  RetryAfter,
} from "@postrider/core";
import { HttpTargetError, httpTarget, idempotencyKey, type HttpTargetOptions } from "@postrider/core/http";
import { HTTP } from "cloudevents";
import { expect, onTestFinished, test } from "vitest";
import { failureOf } from "../support/failure.ts";
import { Placed } from "../support/orders.ts";
import { recordingLogger, until } from "../support/recorder.ts";

interface Call {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
type Answer = (response: ServerResponse, call: Call) => void;

/** A server of somebody else's. */
async function listening(answer: Answer) {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const call = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      calls.push(call);
      answer(response, call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { calls, url: `http://127.0.0.1:${port}/hooks?token=secret` };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end("not read");

const event = {
  specversion: "1.0",
  id: "4711",
  source: "/orders",
  type: "com.acme.orders.order-placed.v1",
  time: "2026-01-02T03:04:05Z",
  subject: 'Köln "A" 100%',
  tenantid: "acme",
  data: { orderId: "1", note: "€" },
};

test("binary mode: attributes in escaped headers, the data as the body, readable by the official SDK", async () => {
  const { calls, url } = await listening(status(204));
  await httpTarget({ url, headers: { authorization: "Bearer x" } }).send(event);
  const [call] = calls;
  expect(call?.headers).toMatchObject({
    "ce-specversion": "1.0",
    "ce-id": "4711",
    "ce-source": "/orders",
    "ce-type": event.type,
    "ce-subject": "K%C3%B6ln%20%22A%22%20100%25",
    "ce-tenantid": "acme",
    "content-type": "application/json",
    authorization: "Bearer x",
    "idempotency-key": idempotencyKey(event),
  });
  expect(JSON.parse(call?.body ?? "")).toEqual(event.data);
  const read = HTTP.toEvent({ headers: call?.headers ?? {}, body: call?.body });
  expect(read).toMatchObject({ id: "4711", type: event.type, data: event.data });
});

test("structured mode: the whole event as one JSON, readable by the official SDK", async () => {
  const { calls, url } = await listening(status(200));
  await httpTarget({ url, mode: "structured", idempotencyHeader: false }).send(event);
  const [call] = calls;
  expect(call?.headers["content-type"]).toMatch(/^application\/cloudevents\+json/);
  expect(Object.keys(call?.headers ?? {}).filter((name) => /^ce-|idempotency/.test(name))).toEqual([]);
  expect(JSON.parse(call?.body ?? "")).toMatchObject({ ...event, subject: event.subject });
  expect(HTTP.toEvent({ headers: call?.headers ?? {}, body: call?.body })).toMatchObject({
    id: "4711",
    data: event.data,
  });
});

test.each([
  [429, "7", 7_000],
  [503, "0", 0],
  [503, "99999999", 3_600_000],
  [500, "2", 2_000],
])(
  "%i with Retry-After %s is tried again after that time, at most an hour",
  async (code, header, delayMs) => {
    const { url } = await listening(status(code, { "retry-after": header }));
    const error = await failureOf(httpTarget({ url }).send(event));
    expect(error).toBeInstanceOf(RetryAfter);
    expect(error).toMatchObject({ delayMs, cause: { status: code } });
  },
);

test("a date in Retry-After counts from the clock, and nonsense counts for nothing", async () => {
  let header = "";
  const { url } = await listening((response) => response.writeHead(503, { "retry-after": header }).end());
  const now = Date.parse("2026-01-02T03:04:00Z");
  const clock = { now: () => now, monotonicMs: () => 0, schedule: () => () => {} };
  const sent = (said: string) => {
    header = said;
    return failureOf(httpTarget({ url, clock }).send(event));
  };
  expect(await sent("Fri, 02 Jan 2026 03:04:05 GMT")).toMatchObject({ delayMs: 5_000 });
  expect(await sent("Fri, 02 Jan 2026 03:00:00 GMT")).toMatchObject({ delayMs: 0 });
  for (const wrong of ["soon", "-5", "1.5", "Fri, 99 Jan 2026 03:04:05 GMT"])
    expect(await sent(wrong)).toBeInstanceOf(HttpTargetError);
});

test.each([408, 425, 429, 500, 502, 503, 504])("%i alone may be tried again by the policy", async (code) => {
  const { url } = await listening(status(code));
  const error = await failureOf(httpTarget({ url }).send(event));
  expect(error).toBeInstanceOf(HttpTargetError);
  expect(error).toMatchObject({ status: code, retryable: true, code: "HANDLER_FAILED" });
});

test.each([301, 302, 307, 400, 401, 403, 404, 409, 410, 413, 415, 422, 501])(
  "%i is final: the message goes to the dead letters",
  async (code) => {
    const { url, calls } = await listening(status(code, { location: "http://127.0.0.1:1/" }));
    expect(await failureOf(httpTarget({ url }).send(event))).toBeInstanceOf(Reject);
    expect(calls).toHaveLength(1);
  },
);

test("no answer in time, a connection that breaks and nobody there may be tried again, and tell no path", async () => {
  const silent = await listening(() => undefined);
  const breaking = await listening((response) => response.destroy());
  const gone = "http://127.0.0.1:1/hooks?token=secret";
  for (const [url, said] of [
    [silent.url, "did not answer within 100 ms"],
    [breaking.url, "could not be reached, or hung up"],
    [gone, "could not be reached, or hung up"],
  ] as const) {
    const error = await failureOf(httpTarget({ url, timeoutMs: 100 }).send(event));
    expect(error).toBeInstanceOf(HttpTargetError);
    expect(error).toMatchObject({ status: undefined, retryable: true });
    expect(String(error)).toContain(said);
    expect(String(error)).not.toContain("secret");
  }
});

test("a signal gives the call up with its own reason", async () => {
  const { url, calls } = await listening(() => undefined);
  const control = new AbortController();
  const reason = new Error("shutting down");
  const sending = failureOf(httpTarget({ url }).send(event, { signal: control.signal }));
  await until("it was asked", () => calls.length === 1);
  control.abort(reason);
  expect(await sending).toBe(reason);
  expect(await failureOf(httpTarget({ url }).send(event, { signal: control.signal }))).toBe(reason);
  expect(calls).toHaveLength(1);
});

test("what is no CloudEvent is refused before anything is sent", async () => {
  const { url, calls } = await listening(status(200));
  const sending = httpTarget({ url }).send({ ...event, id: "" });
  await expect(sending).rejects.toMatchObject({ code: "CONTRACT_INVALID_EVENT" });
  expect(calls).toEqual([]);
});

test("from a consumer: waits as long as it was asked to, with the same key each time, and rejects for good", async () => {
  const answers: Answer[] = [status(503, { "retry-after": "0" }), status(500), status(200), status(400)];
  const { calls, url } = await listening((response, call) => answers.shift()?.(response, call));
  const broker = memoryBroker();
  const messaging = await createMessaging({
    source: "/orders",
    broker: memory({ broker }),
    logger: recordingLogger(),
  });
  onTestFinished(() => messaging.close());
  const target = httpTarget({ url });
  const consumer = defineConsumer("webhook", { inbox: "none", retry: fixed({ attempts: 5, delayMs: 1 }) }).on(
    Placed,
    (message, { signal }) => target.send(message, { signal }),
  );
  const subscription = await messaging.consume(consumer);
  await messaging.publish(Placed({ orderId: "1" }));
  await until("it was taken", () => subscription.counts().handled === 1);
  await messaging.publish(Placed({ orderId: "2" }));
  await until("it was rejected", () => subscription.counts()["dead-lettered"] === 1);
  const keys = calls.map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toHaveLength(4);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(keys[3]).not.toBe(keys[0]);
});

test("an idempotency key is a UUID of the event and the name, and of nothing else", () => {
  const key = idempotencyKey(event);
  expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(idempotencyKey({ id: "4711", source: "/orders" })).toBe(key);
  const others = [{ id: "4711" }, { id: "4712", source: "/orders" }, { id: "4711", source: "/other" }];
  const all = [key, idempotencyKey(event, "charge"), ...others.map((other) => idempotencyKey(other))];
  expect(new Set(all).size).toBe(5);
});

test("wrong options are told together, without a secret", () => {
  const wrong = {
    url: "https://user:secret@example.com/",
    mode: "batch",
    timeoutMs: 0,
    headers: { "ce-id": "secret" },
    idempotencyHeader: "a b",
    maxRetryAfterMs: -1,
  } as unknown as HttpTargetOptions;
  expect(() => httpTarget(wrong)).toThrow(
    "httpTarget: url: must be an http: or https: URL without credentials; mode: must be 'binary' or 'structured'; timeoutMs: must be a whole number from 1 to 600000; maxRetryAfterMs: must be a whole number from 1 to 86400000; headers: 'ce-id' is set from the event; idempotencyHeader: must be the name of a header, or false",
  );
  expect(() => httpTarget({ url: "http://x/", timeout: 1 } as never)).toThrow("did you mean 'timeoutMs'?");
  expect(() => httpTarget({ url: "http://x/", headers: { bad: "\n" } })).not.toThrow("secret");
});
