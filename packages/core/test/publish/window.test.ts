import { expect, test } from "vitest";
import { createWindow, type WindowLimits } from "../../src/publish/window.ts";
import { fakeClock } from "../../src/testing/fake-clock.ts";

const roomy: WindowLimits = { maxMessages: 100, maxBytes: 1_000, whenFull: "wait" };

function windowOf(limits: Partial<WindowLimits>) {
  const clock = fakeClock();
  return { clock, window: createWindow({ ...roomy, ...limits }, clock) };
}

/** What became of each entry so far. */
function visits(window: ReturnType<typeof createWindow>) {
  const log: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = async (name: string, bytes: number, deadlineMs = 30_000, signal?: AbortSignal) => {
    try {
      leave.set(name, await window.enter(bytes, deadlineMs, signal));
      log.push(name);
    } catch (error) {
      log.push(`${name} ${(error as { readonly code: string }).code}`);
    }
  };
  return { log, enter, leave: (name: string) => leave.get(name)?.() };
}

test("39. no more messages are under way than the window has room for", async () => {
  const { clock, window } = windowOf({ maxMessages: 2 });
  const { log, enter, leave } = visits(window);
  for (const name of ["a", "b", "c", "d"]) void enter(name, 1);
  await clock.advance(0);
  expect([log, window.messages, window.waiting]).toEqual([["a", "b"], 2, 2]);
  leave("a");
  leave("a"); // the room is given back once
  await clock.advance(0);
  expect([log, window.messages, window.waiting]).toEqual([["a", "b", "c"], 2, 1]);
});

test("39. no more bytes are under way than the window has room for", async () => {
  const { clock, window } = windowOf({ maxBytes: 10 });
  const { log, enter, leave } = visits(window);
  void enter("six", 6);
  void enter("five", 5);
  await clock.advance(0);
  expect(log).toEqual(["six"]);
  leave("six");
  await clock.advance(0);
  expect(log).toEqual(["six", "five"]);
});

test("a message larger than the window goes alone, and is not overtaken for ever by small ones", async () => {
  const { clock, window } = windowOf({ maxBytes: 10 });
  const { log, enter, leave } = visits(window);
  void enter("small", 4);
  void enter("huge", 11);
  void enter("behind", 1);
  await clock.advance(0);
  expect(log).toEqual(["small"]);
  leave("small");
  await clock.advance(0);
  expect(log).toEqual(["small", "huge"]);
  leave("huge");
  await clock.advance(0);
  expect(log).toEqual(["small", "huge", "behind"]);
});

test("whoever came first is served first", async () => {
  const { clock, window } = windowOf({ maxMessages: 1 });
  const { log, enter, leave } = visits(window);
  const names = Array.from({ length: 3_000 }, (_, index) => String(index));
  for (const name of names) void enter(name, 1);
  for (const name of names) {
    await Promise.resolve();
    await Promise.resolve();
    leave(name);
  }
  await clock.advance(0);
  expect(log).toEqual(names);
  expect([window.messages, window.waiting]).toEqual([0, 0]);
});

test("with `reject` a full window fails at once, and says why", async () => {
  const { window } = windowOf({ maxMessages: 1, whenFull: "reject" });
  void window.enter(1, 1_000);
  expect(() => window.enter(1, 1_000)).toThrow(
    expect.objectContaining({
      code: "TRANSPORT_FULL",
      retryable: true,
      context: { maxMessages: 1, maxBytes: 1_000 },
    }),
  );
});

test("who waits past the deadline gets TRANSPORT_FULL, and lets a smaller one behind it in", async () => {
  const { clock, window } = windowOf({ maxBytes: 10 });
  const { log, enter } = visits(window);
  void enter("six", 6);
  void enter("large", 8, 1_000);
  void enter("small", 2, 5_000);
  await clock.advance(999);
  expect(log).toEqual(["six"]);
  await clock.advance(1);
  expect(log).toEqual(["six", "large TRANSPORT_FULL", "small"]);
  expect(window.waiting).toBe(0);
});

test("who waits is given up by the signal, and leaves no listener behind", async () => {
  const { clock, window } = windowOf({ maxMessages: 1 });
  const { log, enter, leave } = visits(window);
  const controller = new AbortController();
  void enter("first", 1, 1_000, controller.signal);
  void enter("second", 1, 1_000, controller.signal);
  void enter("third", 1);
  await clock.advance(1);
  controller.abort(new Error("gone"));
  await clock.advance(1);
  expect(log).toEqual(["first", "second TRANSPORT_DEADLINE"]);
  leave("first");
  await clock.advance(5_000);
  expect(log).toEqual(["first", "second TRANSPORT_DEADLINE", "third"]);
  expect(() => window.enter(1, 1_000, controller.signal)).toThrow(
    expect.objectContaining({ code: "TRANSPORT_DEADLINE" }),
  );
});

test("49. close fails everybody who waits, and nobody is let in any more", async () => {
  const { clock, window } = windowOf({ maxBytes: 10 });
  const { log, enter, leave } = visits(window);
  void enter("in", 6);
  void enter("large", 8);
  void enter("small", 1);
  await clock.advance(0);
  window.close();
  await clock.advance(0);
  expect(log).toEqual(["in", "large USAGE_CLOSED", "small USAGE_CLOSED"]);
  leave("in");
  expect(() => window.enter(1, 1)).toThrow(expect.objectContaining({ code: "USAGE_CLOSED" }));
  expect(clock.pendingTimers()).toBe(0);
});
