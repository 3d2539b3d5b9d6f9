// MariaDB with a row-based binary log.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askVersion, findProgram, realProgram } from "./programs.mjs";
import { ask } from "./wire.mjs";

export const mariadb = {
  name: "mariadb",
  title: "MariaDB",
  portRoles: ["main"],
  // The core package has the server without the service that Debian builds around it.
  packages: ["mariadb-server-core", "mariadb-client-core"],
  bootUnits: {},
  readyTimeoutMs: 60_000,
  stop: { signal: "SIGTERM", graceMs: 30_000 },
  locate,
  configure,
  start,
  ready,
  url,
};

function locate() {
  const server = findProgram("mariadbd");
  const initialise = findProgram("mariadb-install-db");
  if (!server || !initialise) return undefined;
  return {
    server,
    initialise,
    owned: [realProgram(server)],
    version: askVersion(server, ["--version"], /Ver (\d[\d.]*)/),
  };
}

async function configure(place) {
  const { conf, data, ports, password, programs } = place;
  const file = join(conf, "mariadb.cnf");
  writeFileSync(file, settings(place, ports));
  place.write(join(conf, "accounts.sql"), accounts(password));
  if (existsSync(join(data, "mysql"))) return;
  const words = [
    `--defaults-file=${file}`,
    `--datadir=${data}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
  ];
  await place.run([programs.initialise, ...words]);
}

/** The socket's name is relative to the data folder, because the path of a socket may have 107 characters only. */
function settings({ data, conf }, ports) {
  return `[mariadbd]
datadir = ${data}
bind-address = 127.0.0.1
port = ${ports.main}
socket = mariadb.sock
pid-file = mariadb.pid
init-file = ${join(conf, "accounts.sql")}
skip-name-resolve
character-set-server = utf8mb4
log-bin = binlog
binlog-format = ROW
server-id = 1
sync-binlog = 1
innodb-flush-log-at-trx-commit = 1
innodb-buffer-pool-size = 128M
max-connections = 200
`;
}

/** Run at every start, before the port opens. Not for the binary log: a reader of changes should see only its own. */
function accounts(password) {
  return `SET sql_log_bin = 0;
CREATE DATABASE IF NOT EXISTS postrider;
CREATE USER IF NOT EXISTS 'postrider'@'127.0.0.1' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO 'postrider'@'127.0.0.1' WITH GRANT OPTION;
ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED BY '${password}';
`;
}

function start({ conf, programs }) {
  return [{ role: "server", argv: [programs.server, `--defaults-file=${join(conf, "mariadb.cnf")}`] }];
}

/** The server speaks first: protocol 10 and its version, or an error. */
async function ready({ ports }) {
  await ask({
    port: ports.main,
    accept(bytes) {
      if (bytes.length < 6) return undefined;
      if (bytes[4] === 10) return true;
      throw new Error(`answered ${JSON.stringify(bytes.subarray(4).toString("latin1"))}`);
    },
  });
}

function url({ ports, password }) {
  return `mysql://postrider:${password}@127.0.0.1:${ports.main}/postrider`;
}
