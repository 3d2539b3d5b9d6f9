// PostgreSQL from the system's packages, set up for logical replication and prepared transactions.
import { appendFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askVersion, findProgram, isExecutable, realProgram } from "./programs.mjs";
import { ask } from "./wire.mjs";

export const postgres = {
  name: "postgres",
  title: "PostgreSQL",
  portRoles: ["main"],
  packages: ["postgresql"],
  bootUnits: { "postgresql-common": ["postgresql.service"] },
  readyTimeoutMs: 60_000,
  stop: { signal: "SIGINT", graceMs: 30_000 },
  locate,
  configure,
  start,
  ready,
  url,
};

const debian = "/usr/lib/postgresql";

/** The newest one installed, but for existing data the version that wrote them. */
function locate({ data }) {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions
    .map((version) => join(debian, version, "bin"))
    .filter((bin) => isExecutable(join(bin, "postgres")));
  const written = writtenBy(data);
  const bin = (written && folders.find((folder) => folder === join(debian, written, "bin"))) ?? folders[0];
  return bin
    ? programsIn(join(bin, "postgres"), join(bin, "initdb"))
    : programsIn(findProgram("postgres"), findProgram("initdb"));
}

/** @internal shared with the embedded ones */
export function programsIn(server, initdb) {
  if (!server || !initdb) return undefined;
  return {
    server,
    initdb,
    owned: [realProgram(server)],
    version: askVersion(server, ["--version"], /\(PostgreSQL\) (\S+)/),
  };
}

/** @internal shared with the embedded ones */
export async function configure(place) {
  const { data, conf, programs, ports } = place;
  if (!existsSync(join(data, "PG_VERSION"))) await initialise(place);
  const major = programs.version.match(/^\d+/)[0];
  if (writtenBy(data) !== major)
    throw new Error(
      `the data in ${data} were written by PostgreSQL ${writtenBy(data)}, installed is ${programs.version}: ` +
        `npm run services -- down ${place.name} --purge`,
    );
  writeFileSync(join(conf, "postrider.conf"), settings(ports.main));
  // No process of this folder is left when it is configured. PostgreSQL would still refuse to start where a killed
  // server's pid has not been collected by its parent (containers without an init) or belongs to a stranger by now.
  rmSync(join(data, "postmaster.pid"), { force: true });
}

async function initialise(place) {
  const { data, conf, programs, password } = place;
  const secret = join(conf, "password");
  place.write(secret, `${password}\n`);
  const words = [
    "-U",
    "postrider",
    "--auth=scram-sha-256",
    `--pwfile=${secret}`,
    "--encoding=UTF8",
    "--locale=C",
  ];
  await place.run([programs.initdb, "-D", data, ...words]);
  appendFileSync(
    join(data, "postgresql.conf"),
    `\ninclude '${join(conf, "postrider.conf").replaceAll("'", "''")}'\n`,
  );
  writeFileSync(join(conf, "postrider.conf"), settings(place.ports.main));
  await place.run([programs.server, "--single", "-D", data, "postgres"], {
    input: "CREATE DATABASE postrider\n",
  });
}

/** fsync stays on: crash tests are worth nothing without it. */
function settings(port) {
  return `listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
wal_level = logical
max_wal_senders = 20
max_replication_slots = 20
max_connections = 200
max_prepared_transactions = 8
fsync = on
`;
}

/** @internal shared with the embedded ones */
export function start({ data, programs }) {
  return [{ role: "server", argv: [programs.server, "-D", data] }];
}

/** Ready once it asks for a password: while starting up or shutting down it sends an error instead. */
export async function ready({ ports }) {
  const parameters = Buffer.from("user\0postrider\0database\0postrider\0\0");
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196_608, 4);
  await ask({
    port: ports.main,
    request: Buffer.concat([head, parameters]),
    accept(bytes) {
      if (bytes[0] === 0x52) return true;
      throw new Error(`answered ${JSON.stringify(bytes.toString("latin1").replaceAll("\0", " "))}`);
    },
  });
}

export function url({ ports, password }) {
  return `postgresql://postrider:${password}@127.0.0.1:${ports.main}/postrider`;
}

function writtenBy(data) {
  const file = join(data, "PG_VERSION");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}
