import { expect, test } from "vitest";
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
