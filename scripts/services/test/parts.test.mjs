import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { allNames, selectServers, serverNamed, UnknownServerError, usualNames } from "../catalogue.mjs";
import { imageOf, variablesFor } from "../compose.mjs";
import { foundUrl, reach, variableOf } from "../given.mjs";
import { choosePorts, isFree } from "../ports.mjs";
import { isLoopback, listenersOf, parseTable } from "../sockets.mjs";
import { ask } from "../wire.mjs";

const cli = join(fileURLToPath(import.meta.url), "../../cli.mjs");
const compose = readFileSync(join(cli, "../../../compose.yaml"), "utf8");

async function listening(onConnection, work, host = "127.0.0.1") {
  const server = createServer(onConnection);
  await new Promise((resolve) => server.listen(0, host, resolve));
  try {
    return await work(server.address().port);
  } finally {
    server.close();
  }
}

describe("names", () => {
  test("none means the usual, all means every one, each once", () => {
    assert.deepEqual(
      selectServers([], usualNames).map(({ name }) => name),
      usualNames,
    );
    assert.deepEqual(
      selectServers(["redis", "all"], [])
        .map(({ name }) => name)
        .sort(),
      [...allNames].sort(),
    );
  });
  test("an unknown name is refused with the names there are", () => {
    assert.throws(
      () => serverNamed("mongo"),
      (error) => error instanceof UnknownServerError && /rabbitmq kafka/.test(error.message),
    );
  });
  test("every server has the same rooms", () => {
    for (const name of allNames)
      for (const room of ["locate", "configure", "start", "ready", "url"])
        assert.equal(typeof serverNamed(name)[room], "function", `${name}.${room}`);
  });
});

describe("command line", () => {
  const run = (...args) => spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
  test("an unknown command or name, a wrong option, a missing name: one line, exit code 2", () => {
    for (const args of [
      ["upp"],
      [],
      ["up", "mongo"],
      ["url"],
      ["url", "redis", "nats"],
      ["up", "--fast"],
      ["kill"],
    ]) {
      const { status, stderr, stdout } = run(...args);
      assert.deepEqual([status, stdout, stderr.trim().split("\n").length], [2, "", 1], args.join(" "));
    }
  });
  test("--help prints the commands", () => {
    const { status, stdout } = run("--help");
    assert.equal(status, 0);
    assert.match(stdout, /up \[names…\]/);
  });
});

describe("ports", () => {
  test("are free, different, and out of the range of outgoing connections", async () => {
    const ports = Object.values(await choosePorts(["a", "b", "c"]));
    assert.equal(new Set(ports).size, 3);
    for (const port of ports) assert.ok(port >= 20_000 && port < 32_000 && (await isFree(port)));
  });
  test("a taken one is not free, on whichever address", async () => {
    for (const host of ["127.0.0.1", "0.0.0.0"])
      assert.equal(
        await listening(
          () => {},
          (port) => isFree(port),
          host,
        ),
        false,
        host,
      );
  });
});

describe("sockets", () => {
  test("the kernel's table is read: listening rows only, addresses in words", () => {
    const table = `  sl  local_address rem_address   st
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1
   1: 0100007F:1F91 0100007F:0001 01 00000000:00000000 00:00000000 00000000     0        0 12 1
   2: 00000000:1F92 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1
   3: 0000000000000000FFFF00000100007F:1F93 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 14 1
   4: 00000000000000000000000001000000:1F94 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 15 1
   5: 00000000000000000000000000000000:1F95 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 16 1
`;
    const rows = parseTable(table).map(([inode, { address, port }]) => [
      inode,
      address,
      port,
      isLoopback(address),
    ]);
    assert.deepEqual(rows, [
      ["11", "127.0.0.1", 8080, true],
      ["13", "0.0.0.0", 8082, false],
      ["14", "::ffff:127.0.0.1", 8083, true],
      ["15", "::1", 8084, true],
      ["16", "::", 8085, false],
    ]);
  });
  test("a process that listens on every address is seen", async () => {
    for (const host of ["127.0.0.1", "0.0.0.0", "::1"]) {
      const seen = await listening(
        () => {},
        async (port) => listenersOf([process.pid]).find((row) => row.port === port),
        host,
      );
      assert.equal(seen?.address, host);
    }
  });
});

describe("wire", () => {
  test("an answer is accepted as soon as it makes sense", async () => {
    const answer = await listening(
      (socket) => socket.write("he").valueOf() && setImmediate(() => socket.write("llo")),
      (port) => ask({ port, accept: (bytes) => (bytes.length === 5 ? bytes.toString() : undefined) }),
    );
    assert.equal(answer, "hello");
  });
  test("silence, a closed connection and a refusal are errors that name the port", async () => {
    const accept = () => undefined;
    await listening(
      () => {},
      (port) => assert.rejects(ask({ port, accept, timeoutMs: 50 }), new RegExp(`${port} within 50 ms`)),
    );
    await listening(
      (socket) => socket.end(),
      (port) => assert.rejects(ask({ port, accept }), new RegExp(`${port} closed`)),
    );
    const free = (await choosePorts(["x"])).x;
    await assert.rejects(ask({ port: free, accept }), /ECONNREFUSED/);
  });
});

describe("servers that are not ours", () => {
  test("the environment's variable is named after the server", () => {
    assert.equal(variableOf("postgres18"), "POSTRIDER_POSTGRES18_URL");
  });
  test("a given server is up if its port is open; what is not a URL is unreachable", async () => {
    await listening(
      () => {},
      async (port) => {
        assert.equal(await reach(`kafka://127.0.0.1:${port},127.0.0.1:1`), "up");
        assert.equal(await reach(`redis://user:word@127.0.0.1:${port}/2`), "up");
      },
    );
    const free = (await choosePorts(["x"])).x;
    for (const address of ["", "nonsense", "host:9092", `amqp://127.0.0.1:${free}`])
      assert.equal(await reach(address), "unreachable", address);
  });
  test("another server on the usual port is not taken for the one looked for", async () => {
    for (const name of ["redis", "rabbitmq", "nats", "kafka"]) {
      const { ready } = serverNamed(name);
      const found = await listening(
        (socket) => socket.end("SSH-2.0-OpenSSH\r\n"),
        (port) => foundUrl({ ready, usual: { port, url: "wrong" } }),
      );
      assert.equal(found, undefined, name);
    }
  });
});

describe("compose.yaml", () => {
  test("has every server, its image pinned to a version", () => {
    for (const name of allNames) assert.match(imageOf(name, compose), /^[a-z/]+:\d+\.\d+/, name);
  });
  test("publishes on loopback only, on the ports that the script chooses", () => {
    const published = [...compose.matchAll(/^ {6}- "(.*:\d+)"$/gm)].map(([, text]) => text);
    assert.ok(published.length >= allNames.length);
    for (const text of published) assert.match(text, /^127\.0\.0\.1:\$\{POSTRIDER_\w+_PORT:-\d+\}:\d+$/);
    for (const name of allNames) {
      const { portRoles, innerRoles = [] } = serverNamed(name);
      const ports = Object.fromEntries(
        portRoles.filter((role) => !innerRoles.includes(role)).map((role) => [role, 1]),
      );
      for (const variable of Object.keys(variablesFor(name, { ports, password: "x" })))
        assert.ok(compose.includes(`\${${variable}:-`), variable);
    }
  });
});
