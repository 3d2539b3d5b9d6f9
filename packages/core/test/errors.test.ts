import { readFileSync } from "node:fs";
import {
  errorCodes,
  isMessagingError,
  MessagingError,
  OptionsError,
  OutsideTransactionError,
  PublishError,
  TransactionClosedError,
  ValidationError,
  type ErrorCode,
} from "@postrider/core";
import { expect, test, vi } from "vitest";
import { toError, toMessagingError } from "../src/errors.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];

test("the page of errors lists the codes of the table, each with who must act, whether to try again, and what it means", async () => {
  const script = new URL("../../../scripts/docs/errors.mjs", import.meta.url).href;
  const { errorsPage }: { errorsPage: (codes: object) => string } = await import(script);
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  expect(page).toBe(errorsPage(errorCodes));
  expect([...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)).toEqual(codes);
});

test("every code begins with who must act, and says what it means in one sentence", () => {
  for (const code of codes) {
    expect(code).toMatch(/^(CONFIG|CONTRACT|TRANSPORT|STORE|HANDLER|REQUEST|USAGE)_[A-Z_]+$/);
    expect(errorCodes[code].meaning).toMatch(/^[A-Z].*\.$/);
  }
});

test("the table cannot be changed", () => {
  expect(Object.isFrozen(errorCodes)).toBe(true);
});

test("an error carries its code, whether trying again can help, its cause, and a context that nobody changes", () => {
  const cause = new Error("below");
  const context = { channel: "orders" };
  const error = new MessagingError("TRANSPORT_FULL", "No room", { cause, context });
  expect(error).toMatchObject({
    name: "MessagingError",
    code: "TRANSPORT_FULL",
    retryable: true,
    message: "No room",
    cause,
    context,
  });
  expect(Object.isFrozen(error.context)).toBe(true);
  expect(context).toEqual({ channel: "orders" });
  expect(new MessagingError("TRANSPORT_FULL", "No room", { retryable: false }).retryable).toBe(false);
  expect("cause" in new MessagingError("TRANSPORT_FULL", "No room")).toBe(false);
});

const each: readonly (readonly [string, ErrorCode, MessagingError])[] = [
  ["OptionsError", "CONFIG_INVALID", new OptionsError("The options", ["a: is wrong", "b: is missing"])],
  [
    "ValidationError",
    "CONTRACT_INVALID_DATA",
    new ValidationError("t", [
      { path: ["lines", 0, "sku"], message: "is too short" },
      { path: [], message: "is odd" },
    ]),
  ],
  ["OutsideTransactionError", "STORE_OUTSIDE_TRANSACTION", new OutsideTransactionError()],
  ["TransactionClosedError", "STORE_TRANSACTION_CLOSED", new TransactionClosedError()],
  [
    "PublishError",
    "TRANSPORT_FULL",
    new PublishError("rejected", new MessagingError("TRANSPORT_FULL", "No room")),
  ],
];

test.each(each)("%s has the code %s and is one of the library's errors", (name, code, error) => {
  expect(error).toMatchObject({ name, code, retryable: errorCodes[code].retryable });
  expect(error).toBeInstanceOf(MessagingError);
  expect(isMessagingError(error)).toBe(true);
  expect(isMessagingError(error, code)).toBe(true);
  expect(isMessagingError(error, "USAGE_CLOSED")).toBe(false);
});

test("an error of options and one of validation list everything in their message", () => {
  expect(each[0]?.[2].message).toBe("The options: a: is wrong; b: is missing");
  expect(each[1]?.[2].message).toBe(
    "The data of 't' does not match its schema: lines.0.sku: is too short; (the whole): is odd",
  );
});

test("a publish error takes code and retryability of what the transport said, and a strange code for what it is", () => {
  const strange = Object.assign(new Error("no"), { code: "ECONNRESET", retryable: false });
  expect(new PublishError("unknown", strange)).toMatchObject({
    code: "TRANSPORT_FAILED",
    retryable: false,
    outcome: "unknown",
    cause: strange,
  });
  const objects = Object.assign(new Error("no"), { code: "constructor", retryable: true });
  expect(new PublishError("unknown", objects).code).toBe("TRANSPORT_FAILED");
});

test("classes and codes are told over two copies of the package, and kinds of errors are not mixed up", async () => {
  vi.resetModules();
  const copy = await import("../src/errors.ts");
  expect(copy.MessagingError).not.toBe(MessagingError);
  const theirs = {
    MessagingError: new copy.MessagingError("USAGE_CLOSED", "closed"),
    OptionsError: new copy.OptionsError("o", []),
    ValidationError: new copy.ValidationError("t", []),
    OutsideTransactionError: new copy.OutsideTransactionError(),
    TransactionClosedError: new copy.TransactionClosedError(),
    PublishError: new copy.PublishError("unknown", new copy.MessagingError("USAGE_CLOSED", "closed")),
  };
  const ours = {
    MessagingError,
    OptionsError,
    ValidationError,
    OutsideTransactionError,
    TransactionClosedError,
    PublishError,
  };
  for (const [theirName, error] of Object.entries(theirs)) {
    expect(isMessagingError(error)).toBe(true);
    for (const [ourName, ourClass] of Object.entries(ours))
      expect([theirName, ourName, error instanceof ourClass]).toEqual([
        theirName,
        ourName,
        ourName === "MessagingError" || ourName === theirName,
      ]);
  }
  expect(toMessagingError(theirs.MessagingError)).toBe(theirs.MessagingError);
});

test("a class of the user's own that extends one of these is told by its prototype", () => {
  class PaymentError extends MessagingError {}
  class StrictValidation extends ValidationError {}
  const payment = new PaymentError("HANDLER_FAILED", "no money");
  expect([payment instanceof PaymentError, payment instanceof MessagingError]).toEqual([true, true]);
  expect(new MessagingError("HANDLER_FAILED", "x") instanceof PaymentError).toBe(false);
  const strict = new StrictValidation("t", []);
  expect([
    strict instanceof StrictValidation,
    strict instanceof ValidationError,
    strict instanceof OptionsError,
  ]).toEqual([true, true, false]);
});

test.each([
  null,
  undefined,
  "text",
  5,
  {},
  new Error("x"),
  Object.assign(new Error("x"), { code: "USAGE_CLOSED" }),
])("%s is no error of the library", (value) => {
  expect(isMessagingError(value)).toBe(false);
  expect(value instanceof MessagingError).toBe(false);
});

test("whatever is thrown becomes an error, the library's own stays what it is", () => {
  const own = new MessagingError("USAGE_CLOSED", "closed");
  expect([toError("text").message, toError(null).message, toError(5).message]).toEqual([
    "text",
    "Null was thrown instead of an Error",
    "A number was thrown instead of an Error",
  ]);
  expect(toMessagingError(own)).toBe(own);
  expect(toMessagingError(new RangeError("x"), "STORE_FAILED")).toMatchObject({
    code: "STORE_FAILED",
    message: "x",
  });
});
