import { after, describe, test } from "node:test";
import { inboxSuite, nodeTestRunner, transportSuite } from "../../src/index.ts";
import { memoryStoreHarness, memoryTransportHarness } from "./memory-harness.ts";

const runner = nodeTestRunner({ describe, test, after });

inboxSuite(runner, memoryStoreHarness());
transportSuite(
  runner,
  { ...memoryTransportHarness(), teardown: async () => console.log("the harness was torn down") },
  { load: 0.02 },
);
