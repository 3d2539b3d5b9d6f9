// Real servers in a folder of their own, apart from those that the developer may have up.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { isFree } from "../ports.mjs";
import { identify, isAlive, ownedBy, treeOf } from "../processes.mjs";
import { until } from "../wait.mjs";
import { ask } from "../wire.mjs";

const cli = join(fileURLToPath(import.meta.url), "../../cli.mjs");
const names = ["redis", "postgres", "rabbitmq"];

/** Leaves something behind that was acknowledged. */
const mark = {
  redis: ({ main }) => redisSays(main, "SET marked yes", "+OK\r\n"),
  postgres: ({ main }) => query(main, "CREATE TABLE marked AS SELECT 'yes' AS answer"),
  async rabbitmq({ management }, folder) {
    assert.equal((await queue(management, { method: "PUT", body: '{"durable":true}' })).status, 201);
    // RabbitMQ answers before the definition is in its log: it is safe, and fit to be asked for, only then.
    const onDisk = () =>
      readdirSync(join(folder, "data/mnesia"), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(LOG|DCD|DCL)$/.test(entry.name))
        .some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes("marked"));
    await until(onDisk, { what: "the queue in the log of RabbitMQ", timeoutMs: 10_000 });
  },
};
const marked = {
  redis: ({ main }) => redisSays(main, "GET marked", "$3\r\nyes\r\n"),
  async postgres({ main }) {
    assert.deepEqual(await query(main, "SELECT answer FROM marked"), [{ answer: "yes" }]);
  },
  async rabbitmq({ management }) {
    assert.equal((await queue(management)).status, 200);
  },
};

function redisSays(main, command, answer) {
  const { port, password } = new URL(main);
  const expected = `+OK\r\n${answer}`;
  const accept = (bytes) =>
    bytes.length >= expected.length && assert.equal(bytes.toString(), expected) === undefined;
  return ask({
    port: Number(port),
    request: `AUTH ${password}\r\n${command}\r\n`,
    accept: (bytes) => accept(bytes) || undefined,
  });
}

async function query(connectionString, text) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

function queue(management, request = {}) {
  const { origin, username, password } = new URL(management);
  const authorization = `Basic ${btoa(`${username}:${password}`)}`;
  return fetch(`${origin}/api/queues/%2F/marked`, { ...request, headers: { authorization } });
}

describe("the life of started servers", () => {
  let services;
  let home;
  const stateOf = (name) => JSON.parse(readFileSync(join(home, name, "state.json"), "utf8"));
  const run = (...args) => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
  const allUp = (results) =>
    assert.deepEqual(
      results.filter(({ ok }) => !ok).map(({ error }) => error.message),
      [],
    );

  before(async () => {
    home = mkdtempSync(join(tmpdir(), "postrider-services-"));
    chmodSync(home, 0o755);
    process.env.POSTRIDER_SERVICES_FOLDER = home;
    for (const name of names) delete process.env[`POSTRIDER_${name.toUpperCase()}_URL`];
    services = await import("../index.mjs");
    allUp(await services.up(names));
    // Long before the kills: what a server has only just been told it may not have written yet, as RabbitMQ its queues.
    for (const name of names) await mark[name](services.startedUrls(name), join(home, name));
  });
  after(async () => {
    await services.down([], { data: "purge" });
    rmSync(home, { recursive: true });
  });

  test("up again, from two processes at once, changes nothing", async () => {
    const before = names.map((name) => stateOf(name));
    const other = spawn(process.execPath, [cli, "up", ...names], { stdio: "ignore" });
    allUp(await services.up(names));
    const [code] = await new Promise((resolve) => other.once("exit", (...ending) => resolve(ending)));
    assert.equal(code, 0);
    assert.deepEqual(
      names.map((name) => stateOf(name)),
      before,
    );
  });

  test("two processes that start the same server at once start one", async () => {
    await services.down(["redis"]);
    const other = spawn(process.execPath, [cli, "up", "redis"], { stdio: "ignore" });
    allUp(await services.up(["redis"]));
    await new Promise((resolve) => other.once("exit", resolve));
    assert.equal(ownedBy(join(home, "redis"), stateOf("redis").owned).length, 1);
  });

  test("url prints the URL alone, and status the version and the process", () => {
    const { stdout, stderr } = run("url", "redis");
    assert.equal(stdout, `${services.startedUrl("redis")}\n`);
    assert.equal(stderr, "");
    const [row] = JSON.parse(run("status", "redis", "--json").stdout);
    assert.deepEqual([row.origin, row.state, row.url], ["native", "up", services.startedUrl("redis")]);
    assert.match(row.version, /^\d+\.\d+/);
    assert.equal(isAlive(identify(row.pid)), true);
  });

  for (const name of names)
    test(`a killed ${name} is down, and starts again on the same ports with the same data`, async () => {
      const { ports, password } = stateOf(name);
      await services.kill(name);
      assert.throws(() => services.startedUrl(name), new RegExp(`npm run services -- up ${name}$`));
      const again = await services.start(name);
      assert.equal(again, services.startedUrl(name));
      assert.deepEqual([stateOf(name).ports, stateOf(name).password], [ports, password]);
      await marked[name](services.startedUrls(name));
    });

  for (const name of names)
    test(`every process of a frozen ${name} stands still, and runs on when thawed`, async () => {
      const main = stateOf(name).processes.find(({ role }) => role === "server");
      const states = () =>
        treeOf(main).map(({ pid }) => readFileSync(`/proc/${pid}/stat`, "utf8").match(/\) (\w)/)[1]);
      await services.freeze(name);
      await until(() => states().every((state) => state === "T"), { what: "frozen", timeoutMs: 5000 });
      assert.equal((await services.status([name]))[0].state, "frozen");
      await services.thaw(name);
      await until(() => !states().includes("T"), { what: "thawed", timeoutMs: 5000 });
      assert.equal((await services.status([name]))[0].state, "up");
    });

  test("a given server is what url prints, and is never handed to tests", () => {
    process.env.POSTRIDER_NATS_URL = "nats://127.0.0.1:1";
    try {
      assert.throws(() => services.startedUrl("nats"), /unset POSTRIDER_NATS_URL first/);
      assert.equal(run("url", "nats").stdout, "nats://127.0.0.1:1\n");
    } finally {
      delete process.env.POSTRIDER_NATS_URL;
    }
  });

  test("down ends a frozen server too, and leaves no process and no open port", async () => {
    await services.freeze("postgres");
    const before = names.map((name) => ({ name, ...stateOf(name) }));
    assert.ok(before.every(({ processes }) => processes.length > 0));
    const since = performance.now();
    allUp(await services.down());
    // Not by SIGKILL after the grace of 30 s: a frozen server is thawed, so that it can end properly.
    assert.ok(performance.now() - since < 25_000);
    for (const { name, ports, owned } of before) {
      assert.deepEqual(ownedBy(join(home, name), owned), [], name);
      for (const port of Object.values(ports)) assert.equal(await isFree(port), true, `${name} ${port}`);
    }
  });

  test("down does not touch a stranger that has got a recorded pid", async () => {
    const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
    const state = stateOf("redis");
    const file = join(home, "redis", "state.json");
    writeFileSync(
      file,
      JSON.stringify({ ...state, processes: [{ role: "server", pid: stranger.pid, startTime: "1" }] }),
    );
    allUp(await services.down(["redis"]));
    assert.equal(stranger.exitCode ?? stranger.signalCode, null);
    assert.equal(isAlive(identify(stranger.pid)), true);
    stranger.kill("SIGKILL");
  });

  test("a server that cannot start says why, with the end of its log, and leaves no process", async () => {
    const state = stateOf("redis");
    writeFileSync(
      join(home, "redis", "state.json"),
      JSON.stringify({ ...state, password: 'two words of " quote' }),
    );
    const [{ ok, error }] = await services.up(["redis"]);
    assert.equal(ok, false);
    assert.match(
      error.message,
      /Redis starting: the process ended[^]*the end of .*server\.log[^]*FATAL CONFIG/,
    );
    assert.deepEqual(ownedBy(join(home, "redis"), state.owned), []);
    writeFileSync(join(home, "redis", "state.json"), JSON.stringify(state));
  });

  test("a recorded port that a stranger holds is named, with what to do", async () => {
    const state = stateOf("redis");
    const listen = `require("node:net").createServer().listen(${state.ports.main}, "127.0.0.1", () => console.log("here"))`;
    const stranger = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve) => stranger.stdout.once("data", resolve));
    const [{ ok, error }] = await services.up(["redis"]);
    stranger.kill("SIGKILL");
    assert.equal(ok, false);
    assert.match(error.message, new RegExp(`port ${state.ports.main}.*down redis --purge`));
  });
});
