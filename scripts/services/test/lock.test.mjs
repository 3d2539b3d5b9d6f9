import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { withLock } from "../lock.mjs";

describe("lock", () => {
  let folder;
  let file;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "postrider-lock-"));
    file = join(folder, "deep", "lock");
  });
  after(() => rmSync(folder, { recursive: true }));

  test("twenty who want it work one after another, also after a dead holder", async () => {
    await withLock(file, { timeoutMs: 1000 }, async () => {});
    writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: "1" }));
    let inside = 0;
    let done = 0;
    const work = async () => {
      assert.equal(++inside, 1);
      await new Promise(setImmediate);
      inside--;
      done++;
    };
    await Promise.all(Array.from({ length: 20 }, () => withLock(file, { timeoutMs: 20_000 }, work)));
    assert.equal(done, 20);
    assert.equal(existsSync(file), false);
  });

  test("processes that count in one file, each under the lock, lose no step", async () => {
    const count = join(folder, "count");
    writeFileSync(count, "0");
    writeFileSync(file, JSON.stringify({ pid: 1, startTime: "never" }));
    const code = `
      import { readFileSync, writeFileSync } from "node:fs";
      import { withLock } from ${JSON.stringify(new URL("../lock.mjs", import.meta.url).href)};
      for (let step = 0; step < 25; step++)
        await withLock(${JSON.stringify(file)}, { timeoutMs: 60_000 }, async () => {
          const seen = Number(readFileSync(${JSON.stringify(count)}, "utf8"));
          await new Promise(setImmediate);
          writeFileSync(${JSON.stringify(count)}, String(seen + 1));
        });`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" }),
    );
    const codes = await Promise.all(
      children.map((child) => new Promise((resolve) => child.once("exit", resolve))),
    );
    assert.deepEqual(codes, [0, 0, 0, 0]);
    assert.equal(readFileSync(count, "utf8"), "100");
  });

  test("a living holder keeps it; who waits too long is told the pid", async () => {
    await withLock(file, { timeoutMs: 1000 }, async () => {
      const second = withLock(file, { timeoutMs: 100 }, () => assert.fail("two hold it"));
      await assert.rejects(second, new RegExp(`held by ${process.pid}`));
      assert.equal(JSON.parse(readFileSync(file, "utf8")).pid, process.pid);
    });
  });

  test("it is given back when the work fails", async () => {
    const failing = withLock(file, { timeoutMs: 1000 }, () => Promise.reject(new Error("broken")));
    await assert.rejects(failing, /broken/);
    assert.equal(existsSync(file), false);
  });
});
