import { expect, test } from "vitest";
import { help, parseArguments } from "../src/arguments.ts";
import { UsageError } from "../src/wiring/usage-error.ts";

test("without arguments: twenty orders, as text", () => {
  expect(parseArguments([])).toEqual({
    orders: 20,
    killRelay: false,
    output: "text",
    log: "kept",
    help: false,
  });
});

test("each argument is understood", () => {
  expect(parseArguments(["--orders", "100000", "--json", "--kill-relay", "--verbose"])).toEqual({
    orders: 100_000,
    killRelay: true,
    output: "json",
    log: "shown",
    help: false,
  });
  expect(parseArguments(["-h"]).help).toBe(true);
  expect(help).toContain("--orders N");
});

test.each([
  ["--orders=0"],
  ["--orders=100001"],
  ["--orders=1e3"],
  ["--orders=-5"],
  ["--orders="],
  ["--orders"],
  ["--json=yes"],
  ["--unknown"],
  ["extra"],
])("%s is refused in one line", (argument) => {
  const parse = () => parseArguments([argument]);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(/^[^\n]+See npm start -- --help$/);
});

test.each(["-5", "--json"])("--orders %s is told to be no count", (value) => {
  expect(() => parseArguments(["--orders", value])).toThrow(
    `--orders takes a whole number from 1 to 100000, not "${value}". See npm start -- --help`,
  );
});

test("relays that are killed need some work to be killed in", () => {
  expect(() => parseArguments(["--kill-relay"])).toThrow("--kill-relay takes --orders of at least 100");
  expect(parseArguments(["--kill-relay", "--orders=100"]).killRelay).toBe(true);
});
