// Redis with an append-only file, flushed every second.
import { join } from "node:path";
import { askVersion, findProgram, realProgram } from "./programs.mjs";
import { ask } from "./wire.mjs";

export const redis = {
  name: "redis",
  title: "Redis",
  portRoles: ["main"],
  packages: ["redis-server"],
  bootUnits: { "redis-server": ["redis-server.service"] },
  readyTimeoutMs: 30_000,
  stop: { signal: "SIGTERM", graceMs: 15_000 },
  usual: { port: 6379, url: "redis://127.0.0.1:6379" },
  locate,
  configure,
  start,
  ready,
  url,
};

function locate() {
  const server = findProgram("redis-server");
  return (
    server && {
      server,
      owned: [realProgram(server)],
      version: askVersion(server, ["--version"], /v=([\d.]+)/),
    }
  );
}

async function configure(place) {
  place.write(
    join(place.conf, "redis.conf"),
    `bind 127.0.0.1
port ${place.ports.main}
protected-mode yes
requirepass ${place.password}
dir ${JSON.stringify(place.data)}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
`,
  );
}

function start({ conf, programs }) {
  return [{ role: "server", argv: [programs.server, join(conf, "redis.conf")] }];
}

/** While it loads its file it answers LOADING to everything but the password. */
async function ready({ ports, password }) {
  const login = password ? `AUTH ${password}\r\n` : "";
  const pong = `${password ? "+OK\r\n" : ""}+PONG\r\n`;
  await ask({
    port: ports.main,
    request: `${login}PING\r\n`,
    accept(bytes) {
      const text = bytes.toString("latin1");
      if (!pong.startsWith(text)) throw new Error(`answered ${JSON.stringify(text)}`);
      return text === pong || undefined;
    },
  });
}

function url({ ports, password }) {
  return `redis://default:${password}@127.0.0.1:${ports.main}`;
}
