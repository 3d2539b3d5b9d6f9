import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { end, identify, isAlive, isFrozen, launch, ownedBy, signal, tail, treeOf } from "../processes.mjs";
import { until } from "../wait.mjs";

const node = process.execPath;
/** Starts a child of its own and prints its pid, then both wait for ever. */
const parent = `const { pid } = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]); console.log(pid); setInterval(() => {}, 1e6);`;
const deaf = `process.on("SIGTERM", () => {}); console.log("deaf"); setInterval(() => {}, 1e6);`;

describe("processes", () => {
  let folder;
  let log;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "postrider-processes-"));
    log = join(folder, "log");
  });
  after(async () => {
    await end(ownedBy(folder), { name: "SIGKILL", graceMs: 0 });
    rmSync(folder, { recursive: true });
  });

  async function launched(code, said) {
    const record = await launch({ argv: [node, "-e", code], env: process.env, cwd: folder, log, folder });
    await until(() => said.test(tail(log)), { what: "its first line", timeoutMs: 10_000 });
    return record;
  }

  test("a recorded process is alive until it ends", async () => {
    const record = await launched(parent, /^\d+$/m);
    assert.equal(isAlive(record), true);
    await end(treeOf(record), { graceMs: 5000 });
    assert.equal(isAlive(record), false);
  });

  test("a process that got a recorded pid later is a stranger: not alive, not signalled, not ended", async () => {
    const stranger = spawn(node, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
    const record = { ...identify(stranger.pid), startTime: "1" };
    assert.equal(isAlive(record), false);
    assert.equal(signal(record, "SIGKILL"), false);
    await end([record], { graceMs: 100 });
    assert.deepEqual(treeOf(record), []);
    assert.equal(stranger.exitCode ?? stranger.signalCode, null);
    assert.equal(isAlive(identify(stranger.pid)), true);
    stranger.kill("SIGKILL");
  });

  test("the tree of a process holds its children, and ending it leaves none of the folder", async () => {
    const record = await launched(parent, /^\d+$/m);
    await until(() => treeOf(record).length === 2, { what: "the child", timeoutMs: 5000 });
    await end(treeOf(record), { graceMs: 5000 });
    assert.deepEqual(ownedBy(folder), []);
  });

  test("a child whose parent is gone is still known by the folder", async () => {
    const record = await launched(parent, /^\d+$/m);
    await until(() => treeOf(record).length === 2, { what: "the child", timeoutMs: 5000 });
    const [, child] = treeOf(record);
    signal(record, "SIGKILL");
    await until(() => !isAlive(record), { what: "its end", timeoutMs: 5000 });
    assert.deepEqual(ownedBy(folder), [child]);
    await end(ownedBy(folder), { graceMs: 5000 });
    assert.deepEqual(ownedBy(folder), []);
  });

  test("a process that ignores SIGTERM is killed after its grace", async () => {
    const record = await launched(deaf, /deaf/);
    await end([record], { graceMs: 200 });
    assert.equal(isAlive(record), false);
  });

  test("a frozen process is seen as frozen, and can be ended", async () => {
    const record = await launched(parent, /^\d+$/m);
    signal(record, "SIGSTOP");
    await until(() => isFrozen(record), { what: "frozen", timeoutMs: 5000 });
    assert.equal(isAlive(record), true);
    await end(treeOf(record), { graceMs: 5000 });
    assert.equal(isAlive(record), false);
  });

  test("another folder's name that begins alike is not this folder", async () => {
    const record = await launched(parent, /^\d+$/m);
    assert.deepEqual(ownedBy(folder.slice(0, -1)), []);
    await end(treeOf(record), { graceMs: 5000 });
  });
});
