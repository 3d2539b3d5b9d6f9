// The life of a native server: set up once, started on its recorded ports, signalled by its recorded processes.
import { randomBytes } from "node:crypto";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { account, ownFolder, prefixFor } from "./account.mjs";
import { folderOf, readState, writeState } from "./place.mjs";
import { choosePorts, isFree } from "./ports.mjs";
import { end, isAlive, isFrozen, launch, ownedBy, signal, tail, treeOf } from "./processes.mjs";
import { plainEnv, runToEnd } from "./programs.mjs";
import { until } from "./wait.mjs";

/** Where a server's parts stand, for its rooms to read. Nothing is created. */
export function layoutOf(name) {
  const folder = folderOf(name);
  return {
    name,
    folder,
    data: join(folder, "data"),
    conf: join(folder, "conf"),
    log: join(folder, "log", "server.log"),
  };
}

/** Sets the server up if it is new, starts it and waits until it answers. Ports and password stay as recorded. */
export async function startNative(server, programs) {
  const recorded = readState(server.name);
  await clearRemains(server, recorded);
  const state = {
    origin: "native",
    version: programs.version,
    ports: await portsFor(server, recorded?.ports),
    password: recorded?.password ?? randomBytes(12).toString("hex"),
    owned: programs.owned,
    processes: [],
  };
  const place = createPlace(server, programs, state);
  writeState(server.name, state);
  await server.configure(place);
  try {
    await startProcesses(server, place, state);
    await untilReady(server, place, state);
  } catch (error) {
    await stopNative(server, state).catch((second) => {
      error.message += `\nand then: ${second.message}`;
    });
    throw error;
  }
  state.url = server.url(place);
  state.urls = server.urls?.(place) ?? {};
  writeState(server.name, state);
  return state;
}

/** Ends the recorded processes with their children, and makes sure that none is left. */
export async function stopNative(server, state) {
  const folder = folderOf(server.name);
  thawNative(state);
  // The helpers come last: RabbitMQ's node signs off at its epmd.
  for (const record of state.processes.toReversed()) {
    const tree = treeOf(record);
    await end(tree.slice(0, 1), {
      name: record.role === "server" ? server.stop.signal : "SIGTERM",
      graceMs: server.stop.graceMs,
    });
    await end(tree.slice(1), { graceMs: 5000 });
  }
  await end(ownedBy(folder, state.owned), { graceMs: 5000 });
  const left = ownedBy(folder, state.owned);
  if (left.length > 0) throw new Error(`still running: ${left.map(({ pid }) => pid).join(" ")}`);
  writeState(server.name, { ...state, processes: [] });
}

/** SIGKILL to the server's own process; resolves when it is gone. Its children notice by themselves. */
export async function killNative(state) {
  const record = serverProcess(state);
  signal(record, "SIGKILL");
  await until(() => !isAlive(record), { what: `ending ${record.pid} with SIGKILL`, timeoutMs: 10_000 });
}

/** Stops every process of the server where it stands. Parents first, so that none can start another. */
export function freezeNative(state) {
  for (const record of state.processes.toReversed())
    for (const process of treeOf(record)) signal(process, "SIGSTOP");
}

export function thawNative(state) {
  for (const record of state.processes) for (const process of treeOf(record)) signal(process, "SIGCONT");
}

/** `up`, `frozen`, or `down`. */
export function nativeCondition(state) {
  const record = state.processes.find(({ role }) => role === "server");
  if (!record || !isAlive(record)) return "down";
  return isFrozen(record) ? "frozen" : "up";
}

export function serverProcess(state) {
  const record = state.processes.find(({ role }) => role === "server");
  if (!record) throw new Error("no process of it is recorded");
  return record;
}

function createPlace(server, programs, { ports, password }) {
  const layout = layoutOf(server.name);
  const owner = account();
  mkdirSync(join(layout.folder, "log"), { recursive: true });
  for (const folder of [layout.conf, layout.data]) ownFolder(folder, owner);
  const prefix = prefixFor(owner, layout.folder);
  return {
    ...layout,
    ports,
    password,
    programs,
    prefix,
    env: { ...plainEnv, HOME: layout.data },
    /** Runs a program to its end, as the servers' account. */
    run: (argv, options = {}) =>
      runToEnd([...prefix, ...argv], {
        cwd: layout.data,
        log: layout.log,
        env: { ...plainEnv, HOME: layout.data },
        ...options,
      }),
    /** Writes a file that only the servers' account can read. */
    write(file, text) {
      writeFileSync(file, text, { mode: 0o600 });
      if (owner) chownSync(file, owner.uid, owner.gid);
    },
  };
}

async function startProcesses(server, place, state) {
  for (const { role, argv, env = {} } of server.start(place)) {
    const record = await launch({
      argv: [...place.prefix, ...argv],
      env: { ...place.env, ...env },
      cwd: place.data,
      log: place.log,
      folder: place.folder,
    });
    state.processes.push({ role, ...record });
    writeState(server.name, state);
  }
}

async function untilReady(server, place, state) {
  const record = serverProcess(state);
  try {
    await until(async () => (await server.ready(place), true), {
      what: `${server.title} starting`,
      timeoutMs: server.readyTimeoutMs,
      everyMs: 100,
      giveUp: () => (isAlive(record) ? undefined : "the process ended"),
    });
  } catch (error) {
    throw new Error(error.message + tail(place.log), { cause: error });
  }
}

/** After a kill, children may need a moment to notice; PostgreSQL refuses to start while one of them lives. */
async function clearRemains(server, recorded) {
  await end(recorded?.processes ?? [], { graceMs: 5000 });
  const remains = () => ownedBy(folderOf(server.name), recorded?.owned);
  if (remains().length === 0) return;
  await until(() => remains().length === 0, { what: "remains", timeoutMs: 3000 }).catch(() => {});
  await end(remains(), { graceMs: 5000 });
}

/** Recorded ports are kept; a role that is new gets a port of its own. */
async function portsFor(server, recorded = {}) {
  const fresh = server.portRoles.filter((role) => recorded[role] === undefined);
  const ports = { ...recorded, ...(await choosePorts(fresh)) };
  for (const role of server.portRoles)
    if (recorded[role] !== undefined && !(await isFree(recorded[role])))
      throw new Error(
        `its recorded port ${recorded[role]} (${role}) is taken by another process. End that one, or let ${server.title} ` +
          `choose new ports and lose its data: npm run services -- down ${server.name} --purge`,
      );
  return ports;
}
