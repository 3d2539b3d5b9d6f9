// The servers for development and tests: what the command line, `npm start` and the test runner use.
import { join } from "node:path";
import { allNames, selectServers, serverNamed, usualNames } from "./catalogue.mjs";
import * as compose from "./compose.mjs";
import { foundUrl, givenUrl, reach, variableOf } from "./given.mjs";
import { withLock } from "./lock.mjs";
import * as native from "./native.mjs";
import { locate, obtain } from "./obtain.mjs";
import { folderOf, purge, readState } from "./place.mjs";

export { UnknownServerError } from "./catalogue.mjs";

const silent = () => {};

/**
 * Brings servers up, each in its own time, and says for each how it went. Without names: the usual six.
 * A server that runs already is left alone; one whose URL the environment gives is not started, unless `given` is "ignore".
 */
export async function up(names = [], { log = silent, given = "use", by = "any" } = {}) {
  const servers = selectServers(names, usualNames);
  const ours = servers.filter(({ name }) => given === "ignore" || !givenUrl(name));
  const programs = await obtain(
    ours.filter((server) => !runningState(server)),
    { log, by },
  );
  return Promise.all(
    servers.map((server) =>
      report(server, () =>
        ours.includes(server)
          ? locked(server, () => bring(server, programs.get(server.name), log))
          : { origin: "given", url: givenUrl(server.name) },
      ),
    ),
  );
}

/** Ends servers that this script started. `data: "purge"` also removes their data, ports and passwords. */
export async function down(names = [], { log = silent, data = "keep" } = {}) {
  const end = async (server) => {
    const state = readState(server.name);
    const wasUp = runningState(server) !== undefined;
    if (state && isNative(state)) await native.stopNative(server, state);
    else if (state) compose.stop(server, state, data);
    if (data === "purge") purge(server.name);
    if (wasUp) log(`${server.name}: down`);
    return { origin: state?.origin ?? "none" };
  };
  const known = selectServers(names, allNames).filter(({ name }) => names.length > 0 || readState(name));
  return Promise.all(known.map((server) => report(server, () => locked(server, () => end(server)))));
}

/** What is known of every server, asked now. */
export function status(names = []) {
  return Promise.all(selectServers(names, allNames).map(statusOf));
}

/** The URL to work with: the one in the environment, else that of a server started here, else one found on its usual port. */
export async function url(name, { found = "use" } = {}) {
  const server = serverNamed(name);
  const known =
    givenUrl(name) ?? runningState(server)?.url ?? (found === "use" ? await foundUrl(server) : undefined);
  if (known) return known;
  throw new NotStartedError(name, `${server.title} is not up`);
}

/** The URL of a server that this script started. A given or found one is never returned: tests break what they use. */
export function startedUrl(name) {
  return started(name).url;
}

/** All addresses of a server that this script started: `main`, and others such as `management` of RabbitMQ. */
export function startedUrls(name) {
  const { url: main, urls } = started(name);
  return { main, ...urls };
}

/** Ends a started server as a crash would (SIGKILL to its main process). Its data stay. */
export function kill(name) {
  return onStarted(name, (state) => (isNative(state) ? native.killNative(state) : compose.kill(state)));
}

/** Starts a server again that was killed or ended: same ports, same data. Resolves with its URL once it answers. */
export async function start(name) {
  const server = serverNamed(name);
  const again = async () => {
    const recorded = readState(name);
    if (!recorded) throw new NotStartedError(name, `${server.title} has not been set up here`);
    if (runningState(server)) return recorded;
    if (!isNative(recorded)) return compose.start(server);
    const programs = locate(server);
    if (!programs) throw new NotStartedError(name, `${server.title}'s programs are gone`);
    return native.startNative(server, programs);
  };
  return (await locked(server, again)).url;
}

/** Stops a started server where it stands (SIGSTOP): its connections stay open and silent. */
export function freeze(name) {
  return onStarted(name, (state) => (isNative(state) ? native.freezeNative(state) : compose.freeze(state)));
}

/** Lets a frozen server run on. */
export function thaw(name) {
  return onStarted(name, thawState);
}

/** A server that would have to be started here first. */
export class NotStartedError extends Error {
  constructor(name, reason) {
    const given = givenUrl(name) ? ` (unset ${variableOf(name)} first: tests never use a given server)` : "";
    super(`${reason}: npm run services -- up ${name}${given}`);
    this.name = "NotStartedError";
  }
}

async function bring(server, programs, log) {
  const running = runningState(server);
  if (running) {
    thawState(running);
    return running;
  }
  if (programs instanceof Error) throw programs;
  const since = performance.now();
  const state =
    programs === compose.way
      ? await compose.start(server)
      : await native.startNative(server, programs ?? locate(server));
  log(`${server.name}: up after ${((performance.now() - since) / 1000).toFixed(1)} s`);
  return state;
}

function thawState(state) {
  if (isNative(state)) native.thawNative(state);
  else compose.thaw(state);
}

function isNative(state) {
  return state.origin === "native";
}

function conditionOf(state) {
  return isNative(state) ? native.nativeCondition(state) : compose.condition(state);
}

/** The record of a server that runs, frozen or not, and had answered once. */
function runningState(server) {
  const state = readState(server.name);
  return state?.url && conditionOf(state) !== "down" ? state : undefined;
}

function started(name) {
  const server = serverNamed(name);
  const state = runningState(server);
  if (!state) throw new NotStartedError(name, `no ${server.title} that scripts/services started is up`);
  return state;
}

function onStarted(name, work) {
  return locked(serverNamed(name), async () => {
    await work(started(name));
  });
}

async function statusOf(server) {
  const { name } = server;
  const state = runningState(server);
  if (state) {
    const { origin, version, url: address, urls, ports } = state;
    const pid = isNative(state) ? native.serverProcess(state).pid : undefined;
    return { name, origin, state: conditionOf(state), version, pid, url: address, urls, ports };
  }
  const given = givenUrl(name);
  if (given) return { name, origin: "given", state: await reach(given), url: given };
  const found = await foundUrl(server);
  if (found) return { name, origin: "found", state: "up", url: found };
  const recorded = readState(name);
  return { name, origin: recorded?.origin ?? "none", state: "down", version: recorded?.version };
}

/** One change at a time per server, whoever asks: a second `up` waits for the first and finds the server running. */
function locked(server, work) {
  return withLock(join(folderOf(server.name), "lock"), { timeoutMs: 180_000 }, work);
}

async function report(server, work) {
  try {
    const { origin, version, url: address } = await work();
    return { name: server.name, ok: true, origin, version, url: address };
  } catch (error) {
    return { name: server.name, ok: false, error };
  }
}
