import { transportSuite, vitestRunner } from "@postrider/conformance";
import { afterAll, describe, expect, test } from "vitest";
import { rabbitmqHarness } from "./support/harness.ts";

const report = transportSuite(vitestRunner({ describe, test, afterAll }), rabbitmqHarness("RabbitMQ"));

describe("150. what RabbitMQ is not asked to prove", () => {
  test("is only what it does not claim, or what the contract gives no way to prove", () => {
    expect(report.notApplicable.map((one) => one.title)).toMatchInlineSnapshot(`
      [
        "27. a delivery held for longer than its lease is not delivered to another",
        "a second member of an ordered group is refused where order holds in one process only",
        "with members: each, a transport without fan-out refuses",
        "11. a new group starts at the beginning, at a time, or with what is new, as asked",
        "a second message of the same id is dropped inside the deduplication window",
        "capability nativeDeadLetter",
        "capability wildcards",
        "capability requestReply",
        "capability orderedPipelining",
        "capability leaseExtension",
      ]
    `);
  });
});
