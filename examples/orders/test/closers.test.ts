import { expect, test } from "vitest";
import { createLog } from "../src/demo/log.ts";
import { run } from "../src/demo/run.ts";
import { startServices } from "../src/demo/services.ts";
import { openBroker } from "../src/wiring/brokers.ts";
import { choose } from "../src/wiring/choose.ts";
import { closing, createClosers, started } from "../src/wiring/closers.ts";

test("closes once, in the opposite order, and everything even when one of them fails", async () => {
  const closed: string[] = [];
  const closers = createClosers();
  closers.add(async () => closed.push("first"));
  closers.add(() => Promise.reject(new Error("second")));
  closers.add(async () => closed.push("third"));
  await expect(closers.closeAll()).rejects.toThrow("second");
  await closers.closeAll();
  expect(closed).toEqual(["third", "first"]);
});

test("a start that fails closes what it had opened, and rejects with its own failure", async () => {
  const closed: string[] = [];
  const start = started(async (opened) => {
    opened.add(async () => closed.push("database"));
    opened.add(() => Promise.reject(new Error("closing failed")));
    throw new Error("start failed");
  });
  await expect(start).rejects.toThrow("start failed");
  expect(closed).toEqual(["database"]);
});

test("a start that succeeds leaves everything open, and work that ends closes it", async () => {
  const closed: string[] = [];
  const open = (name: string) => async () => closed.push(name);
  expect(await started(async (opened) => opened.add(open("kept")))).toBeUndefined();
  expect(closed).toEqual([]);
  expect(
    await closing(async (opened) => {
      opened.add(open("used"));
      return "result";
    }),
  ).toBe("result");
  expect(closed).toEqual(["used"]);
});

test("a start that is stopped meanwhile does not begin its next step, and closes what it had opened", async () => {
  const closed: string[] = [];
  const stop = new AbortController();
  const reason = new Error("Ctrl-C");
  const start = started(async (opened) => {
    opened.add(async () => closed.push("first"));
    stop.abort(reason);
    opened.add(async () => closed.push("second"));
    closed.push("a third step was begun");
  }, stop.signal);
  await expect(start).rejects.toBe(reason);
  expect(closed).toEqual(["second", "first"]);
});

test("services whose start was stopped are not started", async () => {
  const log = createLog(() => {});
  const choice = choose({});
  const broker = openBroker(choice.broker);
  const signal = AbortSignal.abort(new Error("Ctrl-C"));
  const relay = "inside";
  const traceId = "0".repeat(32);
  await expect(startServices({ choice, broker, relay, traceId, log, signal })).rejects.toThrow("Ctrl-C");
  const options = { choice, orders: 1, killRelay: false, signal, log, onProgress: () => {} };
  await expect(run(options)).rejects.toThrow("Ctrl-C");
});
