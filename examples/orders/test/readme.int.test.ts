import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../..");

/** The one block of the README that is marked as the quick start. */
async function quickStart(): Promise<string> {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```ts quick-start\n(.*?)^```$/gms)];
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

test("the quick start of the README runs as it stands, says what it should, and ends", async () => {
  const code = await quickStart();
  const { stdout, stderr } = await inFile(code, (file) =>
    run(process.execPath, ["--conditions=@postrider/source", file], { timeout: 60_000 }),
  );
  expect(stdout).toBe("shipped o-1\n");
  expect(stderr).not.toContain("postrider");
}, 90_000);

test("the quick start of the README compiles under the strictest options", async () => {
  const code = await quickStart();
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
}, 90_000);
