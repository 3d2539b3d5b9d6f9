import { transportSuite, vitestRunner } from "@postrider/conformance";
import { afterAll, describe, expect, test } from "vitest";
import { redisHarness } from "./support/harness.ts";

const report = transportSuite(vitestRunner({ describe, test, afterAll }), redisHarness("Redis"));

describe("150. what Redis is not asked to prove", () => {
  test("is only what it does not claim, or what the contract gives no way to prove", () => {
    expect(report.notApplicable.map((one) => one.title)).toMatchInlineSnapshot(`
      [
        "a second member of an ordered group is refused where order holds in one process only",
        "with members: each, a transport without fan-out refuses",
        "11. a new group that cannot start in the past says so or gets only what is new",
        "a second message of the same id is dropped inside the deduplication window",
        "capability nativeDeadLetter",
        "capability wildcards",
        "capability requestReply",
        "capability orderedPipelining",
      ]
    `);
  });
});
