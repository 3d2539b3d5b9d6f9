import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../..");

/** A page, how its one block of code is marked, and what that says. */
const pages = [
  { page: "README.md", mark: "quick-start", says: "shipped o-1\n" },
  {
    page: "docs/domain-events.md",
    mark: "domain-events",
    says: '[{"type":"com.acme.orders.order-settled.v1","because":"order-paid"}]\n',
  },
  { page: "docs/requests.md", mark: "requests", says: "shipping o-1\n300\n" },
] as const;

async function codeOf({ page, mark }: (typeof pages)[number]): Promise<string> {
  const text = await readFile(join(root, page), "utf8");
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`ts ${mark}\\n(.*?)^\`\`\`$`, "gms"))];
  expect(blocks).toHaveLength(1);
  return blocks[0]?.[1] ?? "";
}

/** Beside the example, so that its packages are found from there. */
async function inFile<R>(code: string, work: (file: string) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(root, "examples/orders/.quick-start-"));
  try {
    const file = join(folder, "quick-start.mts");
    await writeFile(file, code);
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.each(pages)(
  "the code of $page runs as it stands, says what it should, and ends",
  async (one) => {
    const code = await codeOf(one);
    const { stdout, stderr } = await inFile(code, (file) =>
      run(process.execPath, ["--conditions=@postrider/source", file], { timeout: 60_000 }),
    );
    expect(stdout).toBe(one.says);
    expect(stderr).not.toContain("postrider");
  },
  90_000,
);

test.each(pages)(
  "the code of $page compiles under the strictest options",
  async (one) => {
    const code = await codeOf(one);
    const options = [
      "--strict",
      "--exactOptionalPropertyTypes",
      "--noUncheckedIndexedAccess",
      "--skipLibCheck",
    ];
    const target = [
      "--target",
      "es2023",
      "--module",
      "nodenext",
      "--types",
      "node",
      "--noEmit",
      "--ignoreConfig",
    ];
    await inFile(code, (file) => run(join(root, "node_modules/.bin/tsc"), [...options, ...target, file]));
  },
  90_000,
);
