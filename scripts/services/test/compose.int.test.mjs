// Walks the Docker Compose way with a stand-in for `docker` that runs a real Redis on the port it is given:
// what is asked of Docker and what is recorded, not what Docker does.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const cli = join(fileURLToPath(import.meta.url), "../../cli.mjs");

const standIn = `#!${process.execPath}
const { spawn } = require("node:child_process");
const { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const folder = process.env.STAND_IN;
const file = folder + "/container";
const args = process.argv.slice(2);
appendFileSync(folder + "/calls", args.join(" ") + "\\n");
const container = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
const keep = (status, pid = container.pid) => writeFileSync(file, JSON.stringify({ status, pid }));
const words = args[0] === "compose" && args[1] === "-p" ? args.slice(5) : args;
const commands = {
  info() {},
  compose() {},
  up() {
    const { POSTRIDER_REDIS_MAIN_PORT: port, POSTRIDER_PASSWORD: password } = process.env;
    const child = spawn("redis-server", ["--port", port, "--requirepass", password, "--bind", "127.0.0.1", "--save", ""], { cwd: folder, detached: true, stdio: "ignore" });
    keep("running", child.pid);
    child.unref();
  },
  ps: () => console.log("0123456789abcdef"),
  inspect: () => (container ? console.log(container.status) : process.exit(1)),
  kill: () => (process.kill(container.pid, "SIGKILL"), keep("exited")),
  pause: () => (process.kill(container.pid, "SIGSTOP"), keep("paused")),
  unpause: () => (process.kill(container.pid, "SIGCONT"), keep("running")),
  rm() {
    if (container?.status === "running") process.kill(container.pid, "SIGKILL");
    rmSync(file, { force: true });
  },
  volume() {},
};
commands[words[0]]();
`;

describe("servers by Docker Compose", () => {
  let home;
  const run = (...args) =>
    spawnSync(process.execPath, [cli, ...args], {
      encoding: "utf8",
      env: {
        ...process.env,
        PATH: `${join(home, "bin")}${delimiter}${process.env.PATH}`,
        POSTRIDER_SERVICES_FOLDER: join(home, "services"),
        POSTRIDER_REDIS_URL: "",
        STAND_IN: home,
      },
    });
  const row = () => JSON.parse(run("status", "redis", "--json").stdout)[0];
  const done = (...args) => {
    const { status, stderr } = run(...args);
    assert.equal(status, 0, stderr);
  };

  before(() => {
    home = mkdtempSync(join(tmpdir(), "postrider-compose-"));
    mkdirSync(join(home, "bin"));
    writeFileSync(join(home, "bin", "docker"), standIn);
    chmodSync(join(home, "bin", "docker"), 0o755);
  });
  after(() => {
    run("down", "redis", "--purge");
    rmSync(home, { recursive: true });
  });

  test("a started container is up, with the image's version and a port of ours", () => {
    done("up", "redis", "--compose");
    const { origin, state, version, url, ports } = row();
    assert.deepEqual([origin, state], ["compose", "up"]);
    assert.match(version, /^\d+\.\d+/);
    assert.equal(new URL(url).port, String(ports.main));
    assert.equal(run("url", "redis").stdout, `${url}\n`);
  });

  test("it is frozen, thawed, killed and started again on the same port", () => {
    const { url } = row();
    done("freeze", "redis");
    assert.equal(row().state, "frozen");
    done("thaw", "redis");
    assert.equal(row().state, "up");
    done("kill", "redis");
    assert.equal(row().state, "down");
    done("start", "redis");
    assert.deepEqual([row().state, row().url], ["up", url]);
  });

  test("down removes the container, up makes a new one, and only --purge asks for the volume", () => {
    const volumes = () =>
      readFileSync(join(home, "calls"), "utf8").match(/^volume rm --force postrider-\w+_redis$/gm)?.length ??
      0;
    done("down", "redis");
    assert.deepEqual([row().state, volumes()], ["down", 0]);
    done("up", "redis", "--compose");
    assert.equal(row().state, "up");
    done("down", "redis", "--purge");
    assert.deepEqual([row().state, row().origin, volumes()], ["down", "none", 1]);
  });
});
