import { expect, test } from "vitest";
import type { PublishOutcome } from "../../src/contracts/transport.ts";
import { createDispatcher } from "../../src/publish/dispatcher.ts";
import type { WindowLimits } from "../../src/publish/window.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";
import { outgoing } from "../memory/support/clients.ts";

/** A dispatcher over a transport that answers when the test says so. */
function dispatcherOf(limits: Partial<WindowLimits> = {}) {
  const clock = fakeClock();
  const calls: {
    readonly texts: readonly string[];
    readonly deadlineMs: number;
    answer(status?: "confirmed"): void;
  }[] = [];
  const publish = (
    batch: readonly ReturnType<typeof outgoing>[],
    { deadlineMs }: { readonly deadlineMs: number },
  ) =>
    new Promise<readonly PublishOutcome[]>((resolve) => {
      calls.push({
        texts: batch.map(({ body }) => Buffer.from(body ?? []).toString()),
        deadlineMs,
        answer: () => resolve(batch.map(() => ({ status: "confirmed" }))),
      });
    });
  const dispatcher = createDispatcher(
    { publish, publishRun: publish },
    { maxMessages: 2, maxBytes: 1_000, whenFull: "wait", ...limits },
    clock,
    createTelemetry("memory"),
  );
  const log: string[] = [];
  const send = (text: string, deadlineMs = 1_000, signal?: AbortSignal) =>
    dispatcher
      .dispatch(outgoing(text), { deadlineAtMs: clock.monotonicMs() + deadlineMs, signal })
      .then((outcome) => log.push(`${text} ${outcome.status}`));
  return { clock, dispatcher, calls, log, send };
}

test("what was given up keeps its room until the transport is done with it: until then it is in memory", async () => {
  const { clock, calls, log, send } = dispatcherOf({ maxMessages: 1 });
  const controller = new AbortController();
  void send("a", 1_000, controller.signal);
  await clock.advance(1);
  controller.abort();
  void send("b", 10_000);
  await clock.advance(5_000);
  expect(log).toEqual(["a unknown"]);
  expect(calls.map(({ texts }) => texts)).toEqual([["a"]]);
  calls[0]?.answer();
  await clock.advance(1);
  expect(calls.map(({ texts }) => texts)).toEqual([["a"], ["b"]]);
});

test("a transport that never answers gives the room back a minute after the deadline, and not before", async () => {
  const { clock, calls, log, send } = dispatcherOf({ maxMessages: 1 });
  void send("a", 1_000);
  await clock.advance(1);
  void send("b", 120_000);
  await clock.advance(61_000);
  expect(log).toEqual(["a unknown"]);
  expect(calls.map(({ texts }) => texts)).toEqual([["a"]]);
  await clock.advance(1_000);
  expect(calls.map(({ texts }) => texts)).toEqual([["a"], ["b"]]);
  calls[0]?.answer(); // too late: what was given back is not given back once more
  void send("c", 120_000);
  await clock.advance(1);
  expect(calls).toHaveLength(2);
});

test("a batch gets the longest deadline of its messages, and each message keeps its own", async () => {
  const { clock, calls, log, send } = dispatcherOf();
  void send("short", 100);
  void send("long", 5_000);
  await clock.advance(1);
  expect(calls.map(({ deadlineMs }) => deadlineMs)).toEqual([5_000]);
  await clock.advance(349); // its own deadline, and a little for the transport to answer by itself
  expect(log).toEqual(["short unknown"]);
  calls[0]?.answer();
  await clock.advance(1);
  expect(log).toEqual(["short unknown", "long confirmed"]);
});

test("an answer that comes a little late is still the transport's", async () => {
  const { clock, calls, log, send } = dispatcherOf();
  void send("a", 100);
  await clock.advance(200);
  calls[0]?.answer();
  await clock.advance(1);
  expect(log).toEqual(["a confirmed"]);
});

test("one timer stands for the deadlines of all, and none after close", async () => {
  const { clock, dispatcher, calls, log, send } = dispatcherOf({ maxMessages: 500, maxBytes: 10_000 });
  for (let n = 0; n < 500; n += 1) void send(String(n));
  await clock.advance(0);
  expect(clock.pendingTimers()).toBe(1);
  const closing = dispatcher.close(10_000);
  for (const call of calls) call.answer();
  await closing;
  expect(log).toHaveLength(500);
  expect(clock.pendingTimers()).toBe(0);
});

test("time spent waiting for room counts: the transport gets what is left of the deadline", async () => {
  const { clock, calls, send } = dispatcherOf({ maxMessages: 1 });
  void send("a", 1_000);
  void send("b", 1_000);
  await clock.advance(400);
  calls[0]?.answer();
  await clock.advance(1);
  expect(calls.map(({ deadlineMs }) => deadlineMs)).toEqual([1_000, 600]);
});

test("close refuses who waits for room, and waits for what was sent", async () => {
  const { clock, dispatcher, calls, log, send } = dispatcherOf({ maxMessages: 1 });
  void send("a");
  void send("b");
  await clock.advance(1);
  const closing = dispatcher.close(10_000).then(() => log.push("closed"));
  await clock.advance(1);
  expect(log).toEqual(["b rejected"]);
  calls[0]?.answer();
  await closing;
  expect(log).toEqual(["b rejected", "a confirmed", "closed"]);
});

test("close gives up what is not answered in its time: the outcome is unknown, and no timer is left", async () => {
  const { clock, dispatcher, log, send } = dispatcherOf({ maxMessages: 1 });
  void send("a", 30_000);
  await clock.advance(1);
  const closing = dispatcher.close(500).then(() => log.push("closed"));
  await clock.advance(499);
  expect(log).toEqual([]);
  await clock.advance(1);
  await closing;
  expect(log).toEqual(["a unknown", "closed"]);
  expect(clock.pendingTimers()).toBe(0);
});
