import { expect, test } from "vitest";
import { problemsOf, type Figures } from "../src/demo/figures.ts";

const good: Figures = {
  broker: "memory",
  store: "pglite",
  placed: 20,
  published: 20,
  deliveries: 22,
  duplicatesInjected: 2,
  duplicatesDropped: 2,
  deadLettered: 1,
  effects: 20,
  lost: 0,
  kills: 0,
  seconds: 1,
};

test("a run in which every order has one shipment has no problem", () => {
  expect(problemsOf(good, undefined)).toEqual([]);
});

test.each([
  [
    "an order without a shipment",
    { lost: 1, effects: 19 },
    ["1 of 20 orders have no shipment", "19 shipments were made of 20 orders"],
  ],
  ["an order with two shipments", { effects: 21 }, ["21 shipments were made of 20 orders"]],
  ["one lost and one doubled", { lost: 1, effects: 20 }, ["1 of 20 orders have no shipment"]],
])("%s is a problem", (_, changed, problems) => {
  expect(problemsOf({ ...good, ...changed }, undefined)).toEqual(problems);
});

test("so is what was still waited for at the end", () => {
  expect(problemsOf(good, "duplicates dropped (1 of 2)")).toEqual([
    "waited in vain for duplicates dropped (1 of 2)",
  ]);
});
