import assert from "node:assert/strict";
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
