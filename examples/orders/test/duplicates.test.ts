import { expect, test } from "vitest";
import { chooseDuplicates } from "../src/demo/choose-duplicates.ts";
import { planRun, type Plan } from "../src/demo/plan.ts";

const bodyOf = (data: unknown) => new TextEncoder().encode(JSON.stringify(data));
const referencesOf = (plan: Plan) =>
  Array.from({ length: plan.count + 1 }, (_, index) => plan.orderAt(index).body.reference);

test.each([1, 2, 3, 19, 20, 21, 500])(
  "of %i orders at least 5 % come twice, and never the poisoned one",
  (count) => {
    const plan = planRun("run", count);
    const choice = chooseDuplicates(plan);
    const twice = referencesOf(plan).filter((reference) => choice.sendAgain(bodyOf({ reference })));
    expect(twice.length).toBeGreaterThanOrEqual(count * 0.05);
    expect(twice).not.toContain(plan.poisonedReference);
    expect(choice.seen()).toBe(count + 1);
  },
);

test("messages of another run, and what is no JSON, are left alone", () => {
  const choice = chooseDuplicates(planRun("run", 1));
  for (const body of [bodyOf({ reference: "other-1" }), bodyOf({}), new TextEncoder().encode("{")]) {
    expect(choice.sendAgain(body)).toBe(false);
  }
  expect(choice.seen()).toBe(0);
});

test.each([1, 2, 3, 100])("a plan of %i orders has one that is poisoned and one that is watched", (count) => {
  const plan = planRun("run", count);
  const orders = Array.from({ length: count + 1 }, (_, index) => plan.orderAt(index));
  expect(new Set(orders.map(({ body }) => body.reference)).size).toBe(count + 1);
  expect(orders.filter(({ part }) => part === "poisoned").map(({ body }) => body.reference)).toEqual([
    plan.poisonedReference,
  ]);
  expect(orders.filter(({ part }) => part === "watched").map(({ body }) => body.reference)).toEqual([
    plan.watchedReference,
  ]);
});
