// The processes of a run: one sink, and relays of which one dies now and then.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const execArgv = ["--conditions=@postrider/source"];
const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/** @param {string} file @param {number} seed */
export async function startSink(file, seed) {
  const sink = fork(path("sink.mjs"), [file, String(seed)], { execArgv });
  sink.once("exit", (code, signal) => {
    if (signal !== "SIGKILL") console.error(`The sink ended by itself with ${signal ?? code}.`);
  });
  const [{ port }] = await once(sink, "message");
  return { port, end: () => gone(sink, "SIGKILL") };
}

/**
 * Two relays, until they are ended. `kill` takes the one that leads, and puts another in its place.
 * @param {string[]} parameters of relay.mjs
 */
export function startRelays(parameters) {
  const running = new Set();
  let ending = false;
  let kills = 0;
  const start = () => {
    const one = { process: fork(path("relay.mjs"), parameters, { execArgv }), state: "starting" };
    one.process.on("message", ({ state }) => {
      one.state = state;
    });
    one.process.once("exit", (code, signal) => {
      running.delete(one);
      if (!ending && signal !== "SIGKILL") console.error(`A relay ended by itself with ${signal ?? code}.`);
    });
    running.add(one);
  };
  /** The one that leads, as soon as there is one. */
  const leader = async () => {
    for (const endMs = performance.now() + patienceMs; !ending; await soon()) {
      const leading = [...running].find(({ state }) => state === "leading");
      if (leading !== undefined) return leading;
      if (performance.now() > endMs) throw new Error(`No relay leads after ${patienceMs} ms.`);
    }
  };
  start();
  start();
  return {
    kills: () => kills,
    leader,
    kill: async () => {
      const leading = await leader();
      if (ending) return;
      kills += 1;
      await gone(leading.process, "SIGKILL");
      start();
    },
    end: async () => {
      ending = true;
      await Promise.all([...running].map((one) => gone(one.process, "SIGTERM")));
    },
  };
}

/** How long a process may take to end well before it is killed, and relays to find a leader. */
const patienceMs = 20_000;
const soon = () => new Promise((resolve) => setTimeout(resolve, 10));

async function gone(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  const impatient = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await exit;
  clearTimeout(impatient);
}
