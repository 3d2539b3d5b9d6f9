import { afterAll, describe, expect, test } from "vitest";
import { inboxSuite, outboxSuite, transportSuite, vitestRunner } from "../src/index.ts";
import { memoryStoreHarness, memoryTransportHarness } from "./support/memory-harness.ts";

const runner = vitestRunner({ describe, test, afterAll });

const transport = transportSuite(runner, memoryTransportHarness());
const outbox = outboxSuite(runner, memoryStoreHarness());
const inbox = inboxSuite(runner, memoryStoreHarness());

describe("150. what the memory transport and store are not asked to prove", () => {
  test("is only what they do not claim, or what the contract gives no way to prove", () => {
    expect(transport.notApplicable.map((one) => one.title)).toMatchInlineSnapshot(`
      [
        "capability nativeDeadLetter",
        "capability wildcards",
        "capability requestReply",
        "capability orderedPipelining",
        "capability leaseExtension",
      ]
    `);
    expect(outbox.notApplicable).toEqual([]);
    expect(inbox.notApplicable).toEqual([]);
  });
});
