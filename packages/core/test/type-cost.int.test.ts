import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const root = join(import.meta.dirname, "../../..");

/** What the compiler needed for these sources on top of core's own. */
function costOf(sources: Readonly<Record<string, string>>): {
  readonly instantiations: number;
  readonly types: number;
} {
  const folder = join(root, "node_modules/.cache", `type-cost-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(folder, name), text);
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      noEmit: true,
      composite: false,
      incremental: false,
      skipLibCheck: true,
      isolatedDeclarations: false,
      declaration: false,
      declarationMap: false,
      types: [],
    },
    files: Object.keys(sources),
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(root, "node_modules/.bin/tsc");
  const { stdout, status } = spawnSync(compiler, ["-p", folder, "--extendedDiagnostics"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`The compiler refused it:\n${stdout}`);
  const figure = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(stdout)?.[1]);
  return { instantiations: figure("Instantiations"), types: figure("Types") };
}

const definition = (n: number): string =>
  `export const Event${n} = defineEvent("com.acme.context${n % 20}.event-${n}.v1", { data: schema, key: (order) => order.orderId });`;

const definitions = (count: number): string =>
  [
    `import { defineEvent } from "@postrider/core";`,
    `import type { StandardSchemaV1 } from "@standard-schema/spec";`,
    `interface Order { readonly orderId: string; readonly total: number; readonly lines: readonly { readonly sku: string }[] }`,
    `declare const schema: StandardSchemaV1<Order, Order>;`,
    ...Array.from({ length: count }, (_, n) => definition(n)),
  ].join("\n");

const consumer = (n: number, of: number): string =>
  `export const consumer${n} = defineConsumer("consumer-${n}")` +
  Array.from(
    { length: 5 },
    (_, k) =>
      `.on(c.Event${(n * 5 + k) % of}, (event, { publish }) => { event.data.total.toFixed(); publish(c.Event${k}({ orderId: event.data.orderId, total: 1, lines: [] })); })`,
  ).join("") +
  ";";

const consumers = (count: number, of: number): string =>
  [
    `import { defineConsumer } from "@postrider/core";`,
    `import * as c from "./contract.ts";`,
    ...Array.from({ length: count }, (_, n) => consumer(n, of)),
  ].join("\n");

test("500 definitions and 200 consumers of five handlers cost the compiler a bounded number of instantiations each", () => {
  const one = costOf({ "contract.ts": definitions(5), "consumers.ts": consumers(1, 5) });
  const all = costOf({ "contract.ts": definitions(500), "consumers.ts": consumers(200, 500) });
  expect(one.instantiations).toBeGreaterThan(0);
  const handlers = 995;
  const perHandler = (all.instantiations - one.instantiations) / handlers;
  // 73 as measured. What grows with the number of handlers before it costs many times as much.
  expect(perHandler).toBeLessThan(110);
});
