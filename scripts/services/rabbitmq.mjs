// RabbitMQ with its management API. The node name server (epmd) is a second process, on a port of its own.
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, isExecutable, realProgram } from "./programs.mjs";
import { ask } from "./wire.mjs";

export const rabbitmq = {
  name: "rabbitmq",
  title: "RabbitMQ",
  portRoles: ["main", "management", "epmd", "distribution"],
  innerRoles: ["epmd", "distribution"],
  packages: ["rabbitmq-server"],
  bootUnits: {
    "rabbitmq-server": ["rabbitmq-server.service"],
    "erlang-base": ["epmd.service", "epmd.socket"],
  },
  readyTimeoutMs: 90_000,
  stop: { signal: "SIGTERM", graceMs: 30_000 },
  usual: { port: 5672, url: "amqp://guest:guest@127.0.0.1:5672" },
  locate,
  configure,
  start,
  ready,
  url,
  urls,
};

/** Debian's rabbitmq-server on the path insists on its own user and folders: the script behind it does not. */
function locate() {
  const script = ["/usr/lib/rabbitmq/bin/rabbitmq-server", findProgram("rabbitmq-server")].find(
    (file) => file && isExecutable(file),
  );
  const epmd = findProgram("epmd");
  if (!script || !epmd) return undefined;
  const server = realProgram(script);
  return { server, epmd, owned: [realProgram(epmd)], version: server.match(/rabbitmq_server-([\d.]+)/)?.[1] };
}

async function configure(place) {
  const { data, conf, ports, password } = place;
  place.write(join(conf, "rabbitmq.conf"), settings(ports, password));
  place.write(join(conf, "advanced.config"), "[].\n");
  place.write(join(conf, "enabled_plugins"), "[rabbitmq_management].\n");
  // Named, because the server would read the system's file otherwise.
  writeFileSync(join(conf, "rabbitmq-env.conf"), "");
  const cookie = join(data, ".erlang.cookie");
  if (!existsSync(cookie)) place.write(cookie, randomBytes(24).toString("hex"));
}

function settings(ports, password) {
  return `listeners.tcp.local = 127.0.0.1:${ports.main}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${ports.management}
default_user = postrider
default_pass = ${password}
default_user_tags.administrator = true
collect_statistics_interval = 1000
log.console = true
log.console.level = info
log.file = false
`;
}

/**
 * The interface goes to every Erlang machine, since RabbitMQ starts a second one for a moment to look for epmd.
 * "Under systemd" makes the script become the server instead of watching over it: the recorded pid is the broker's.
 */
function start({ data, conf, ports, programs }) {
  const net = { ERL_EPMD_ADDRESS: "127.0.0.1", ERL_EPMD_PORT: String(ports.epmd) };
  const env = {
    ...net,
    ERL_AFLAGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+sbwt none +sbwtdcpu none +sbwtdio none",
    RABBITMQ_NODENAME: "postrider@localhost",
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: join(conf, "rabbitmq-env.conf"),
    RABBITMQ_CONFIG_FILE: join(conf, "rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(conf, "advanced.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(conf, "enabled_plugins"),
    RABBITMQ_MNESIA_BASE: join(data, "mnesia"),
    RABBITMQ_GENERATED_CONFIG_DIR: join(data, "generated"),
    RABBITMQ_FEATURE_FLAGS_FILE: join(data, "feature_flags"),
    RABBITMQ_PID_FILE: join(data, "pid"),
    RABBITMQ_LOG_BASE: data,
    RABBITMQ_LOGS: "-",
    RUNNING_UNDER_SYSTEMD: "true",
  };
  return [
    { role: "epmd", argv: [programs.epmd, "-address", "127.0.0.1", "-port", net.ERL_EPMD_PORT] },
    { role: "server", argv: [programs.server], env },
  ];
}

/** It answers AMQP before its plugins have started: ready when the management API answers as well. */
async function ready({ ports, password }) {
  await ask({
    port: ports.main,
    request: Buffer.from("AMQP\0\0\x09\x01", "latin1"),
    accept(bytes) {
      if (bytes[0] === 1) return true;
      throw new Error(`answered ${JSON.stringify(bytes.toString("latin1"))}`);
    },
  });
  if (ports.management === undefined) return;
  const authorization = `Basic ${Buffer.from(`postrider:${password}`).toString("base64")}`;
  const answer = await fetch(`http://127.0.0.1:${ports.management}/api/overview`, {
    headers: { authorization },
    signal: AbortSignal.timeout(5000),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`the management API answered ${answer.status}`);
}

function url({ ports, password }) {
  return `amqp://postrider:${password}@127.0.0.1:${ports.main}`;
}

function urls({ ports, password }) {
  return { management: `http://postrider:${password}@127.0.0.1:${ports.management}` };
}
