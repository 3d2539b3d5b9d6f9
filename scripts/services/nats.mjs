// NATS with JetStream in files, and its monitoring pages.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { askVersion, findProgram, realProgram } from "./programs.mjs";
import { ask } from "./wire.mjs";

export const nats = {
  name: "nats",
  title: "NATS",
  portRoles: ["main", "monitor"],
  packages: ["nats-server"],
  bootUnits: { "nats-server": ["nats-server.service"] },
  readyTimeoutMs: 30_000,
  stop: { signal: "SIGTERM", graceMs: 15_000 },
  usual: { port: 4222, url: "nats://127.0.0.1:4222" },
  locate,
  configure,
  start,
  ready,
  url,
  urls,
};

function locate() {
  const server = findProgram("nats-server");
  return (
    server && {
      server,
      owned: [realProgram(server)],
      version: askVersion(server, ["--version"], /v([\d.]+)/),
    }
  );
}

async function configure({ conf, data, ports }) {
  writeFileSync(
    join(conf, "nats.conf"),
    `server_name: postrider
listen: "127.0.0.1:${ports.main}"
http: "127.0.0.1:${ports.monitor}"
jetstream { store_dir: ${JSON.stringify(data)} }
`,
  );
}

function start({ conf, programs }) {
  return [{ role: "server", argv: [programs.server, "-c", join(conf, "nats.conf")] }];
}

/** It greets before JetStream has recovered its streams: the health page waits for that. */
async function ready({ ports }) {
  await ask({
    port: ports.main,
    accept(bytes) {
      const text = bytes.toString("latin1");
      if (!"INFO {".startsWith(text.slice(0, 6))) throw new Error(`answered ${JSON.stringify(text)}`);
      return text.includes("\r\n") || undefined;
    },
  });
  if (ports.monitor === undefined) return;
  const answer = await fetch(`http://127.0.0.1:${ports.monitor}/healthz`, {
    signal: AbortSignal.timeout(5000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
}

function url({ ports }) {
  return `nats://127.0.0.1:${ports.main}`;
}

function urls({ ports }) {
  return { monitor: `http://127.0.0.1:${ports.monitor}` };
}
