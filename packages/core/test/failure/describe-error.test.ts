import { Reject } from "@postrider/core";
import { expect, test } from "vitest";
import { describeError } from "../../src/failure/describe-error.ts";
import { soundError } from "../../src/failure/sound-error.ts";

const messages = (thrown: unknown) => describeError(thrown).map(({ message }) => message);

test("an error is told with its causes, outermost first, with names, codes and stacks", () => {
  const error = new Reject("outer", { cause: Object.assign(new TypeError("inner"), { code: "E_IN" }) });
  expect(describeError(error)).toEqual([
    { name: "Reject", code: "HANDLER_REJECTED", message: "outer", stack: expect.stringContaining("outer") },
    { name: "TypeError", code: "E_IN", message: "inner", stack: expect.stringContaining("inner") },
  ]);
});

test("a chain of causes ends after eight, and where it bites its tail", () => {
  let long = new Error("0");
  for (let n = 1; n < 20; n += 1) long = new Error(String(n), { cause: long });
  expect(messages(long)).toHaveLength(8);
  const first = new Error("first");
  first.cause = new Error("second", { cause: first });
  expect(messages(first)).toEqual(["first", "second"]);
});

test("text as a cause is told; other things are not, since nothing is known of what is in them", () => {
  expect(messages(new Error("outer", { cause: "because" }))).toEqual(["outer", "because"]);
  expect(messages(new Error("outer", { cause: { card: "4711" } }))).toEqual(["outer"]);
});

test("messages and stacks are cut", () => {
  const error = new Error("x".repeat(5_000));
  error.stack = "y".repeat(50_000);
  expect(describeError(error)).toMatchObject([
    { message: `${"x".repeat(1_024)}…`, stack: `${"y".repeat(4_096)}…` },
  ]);
});

test("a stack that is no text, and a code that is none, are left out", () => {
  const error = Object.assign(new Error("odd"), { stack: ["a frame"], code: 42 });
  expect(describeError(error)).toEqual([
    { name: "Error", code: undefined, message: "odd", stack: undefined },
  ]);
});

test("a cause that cannot even be looked at ends the chain", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(messages(new Error("outer", { cause: proxy }))).toEqual(["outer"]);
});

test("what was thrown is kept as it is when it can be read, so that rules can ask for its class", () => {
  const error = new TypeError("fine");
  expect(soundError(error)).toBe(error);
});
