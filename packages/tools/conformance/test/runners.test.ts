import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { inboxSuite, nodeTestRunner, outboxSuite, transportSuite } from "../src/index.ts";
import type { NodeTestLike, TransportHarness } from "../src/index.ts";
import { memoryStoreHarness, memoryTransportHarness } from "./support/memory-harness.ts";

const nothing: NodeTestLike = {
  describe: (_title, body) => body(),
  test: () => undefined,
  after: () => undefined,
};

test("the suites run under node:test, teardown included", async () => {
  const fixture = fileURLToPath(new URL("./support/under-node-test.ts", import.meta.url));
  const args = ["--conditions=@postrider/source", "--test", "--test-reporter=tap", fixture];
  // The runner of this very file marks its children as its own.
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toMatch(/# pass [1-9]\d+/);
  expect(stdout).toMatch(/# fail 0/);
  expect(stdout).toContain("ok 1 - 114. a message id is new once, and a duplicate ever after");
  expect(stdout).toContain("the harness was torn down");
}, 60_000);

test("a case without its hook is reported with the reason, not dropped", () => {
  const { name, capabilities, create, channel } = memoryTransportHarness();
  const bare: TransportHarness = { name, capabilities, create, channel };
  const runner = nodeTestRunner(nothing);
  const [full, less] = [transportSuite(runner, memoryTransportHarness()), transportSuite(runner, bare)];
  const missing = full.cases.filter((title) => !less.cases.includes(title));
  expect(missing.length).toBeGreaterThan(5);
  for (const title of missing) {
    expect(less.notApplicable.find((one) => one.title === title)?.because).toMatch(/^the harness gives no /);
  }
  const total = (report: typeof full): number => report.cases.length + report.notApplicable.length;
  expect(total(less)).toBe(total(full));
});

test("cases with two open transactions are not asked of a database that has one", () => {
  const runner = nodeTestRunner(nothing);
  const report = outboxSuite(runner, { ...memoryStoreHarness(), transactions: "serial" });
  expect(report.notApplicable).toEqual([
    {
      title: "96. a row that commits late is read whatever was read before",
      because: "only one transaction can be open at a time (transactions is serial)",
    },
  ]);
});

const harnessOf: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["nothing", undefined, ["harness: must be an object"]],
  ["null", null, ["harness: must be an object"]],
  [
    "a name alone",
    { name: "x" },
    [
      "harness.capabilities: must be an object",
      "harness.create: must be a function",
      "harness.channel: must be a function",
    ],
  ],
  [
    "members of the wrong kind",
    { ...memoryTransportHarness(), name: "", create: 5 },
    ["harness.name: must be the name of the suite", "harness.create: must be a function"],
  ],
];

test.each(harnessOf)(
  "%s for a harness is refused in one error, before a case is registered",
  (_, harness, problems) => {
    const call = () => transportSuite(nodeTestRunner(nothing), harness as TransportHarness);
    expect(call).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", problems }));
  },
);

test.each([
  ["outboxSuite", outboxSuite],
  ["inboxSuite", inboxSuite],
] as const)("%s refuses a runner, a harness and options that are none", (name, suite) => {
  const call = suite as (...given: readonly unknown[]) => unknown;
  expect(() => call(undefined, { name: "x", create: 5 }, null)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(name),
      problems: [
        "runner: must be what vitestRunner, nodeTestRunner or collectCases makes",
        "harness.create: must be a function",
        "options: must be an object",
      ],
    }),
  );
});
