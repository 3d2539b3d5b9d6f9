// The same servers as containers, where a Docker engine answers. The images are pinned in compose.yaml.
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../toolchain.mjs";
import { readState, writeState } from "./place.mjs";
import { choosePorts } from "./ports.mjs";
import { findProgram } from "./programs.mjs";
import { until } from "./wait.mjs";

/** Stands for "start it by Docker Compose" where otherwise programs stand. */
export const way = Object.freeze({ compose: true });

const file = join(root, "compose.yaml");
/** Two clones on one machine are two projects. */
const project = `postrider-${createHash("sha256").update(root).digest("hex").slice(0, 8)}`;

/** Why Docker Compose cannot be used, or undefined if it can. */
export function whyNot() {
  if (!findProgram("docker")) return "there is no docker command here";
  if (spawnSync("docker", ["info"], { stdio: "ignore", timeout: 20_000 }).status !== 0)
    return "no Docker engine answers";
  if (spawnSync("docker", ["compose", "version"], { stdio: "ignore" }).status !== 0)
    return "docker has no compose plugin";
  return undefined;
}

/** Starts the container, a new one or the one that was killed, and waits until the server in it answers. */
export async function start(server) {
  const recorded = readState(server.name);
  const state = {
    origin: "compose",
    version: imageOf(server.name).split(":")[1],
    ports:
      recorded?.ports ??
      (await choosePorts(server.portRoles.filter((role) => !server.innerRoles?.includes(role)))),
    password: recorded?.password ?? randomBytes(12).toString("hex"),
  };
  writeState(server.name, state);
  run(server, state, ["up", "-d", "--no-deps", server.name]);
  state.container = run(server, state, ["ps", "-q", "-a", server.name]).trim();
  writeState(server.name, state);
  await untilReady(server, state);
  Object.assign(state, { url: server.url(state), urls: server.urls?.(state) ?? {} });
  writeState(server.name, state);
  return state;
}

/** Removes the container; with `purge` also its volume. */
export function stop(server, state, data) {
  run(server, state, ["rm", "--stop", "--force", ...(data === "purge" ? ["--volumes"] : []), server.name]);
  if (data === "purge")
    spawnSync("docker", ["volume", "rm", "--force", `${project}_${server.name}`], { stdio: "ignore" });
}

export function kill(state) {
  docker(["kill", "--signal", "KILL", state.container]);
}

export function freeze(state) {
  docker(["pause", state.container]);
}

export function thaw(state) {
  if (condition(state) === "frozen") docker(["unpause", state.container]);
}

/** `up`, `frozen` or `down`. */
export function condition({ container }) {
  if (!container) return "down";
  const { stdout } = spawnSync("docker", ["inspect", "-f", "{{.State.Status}}", container], {
    encoding: "utf8",
  });
  return { running: "up", paused: "frozen" }[stdout?.trim()] ?? "down";
}

/** The pinned image of a server, as compose.yaml has it. */
export function imageOf(name, text = readFileSync(file, "utf8")) {
  const image = text.match(new RegExp(`^  ${name}:\\n(?:    .*\\n)*?    image: (\\S+)`, "m"))?.[1];
  if (!image) throw new Error(`compose.yaml has no service ${name} with an image`);
  return image;
}

/** What compose.yaml leaves open: the ports and the password of this server. */
export function variablesFor(name, { ports, password }) {
  const prefix = `POSTRIDER_${name.toUpperCase()}`;
  const entries = Object.entries(ports).map(([role, port]) => [
    `${prefix}_${role.toUpperCase()}_PORT`,
    String(port),
  ]);
  return { POSTRIDER_PASSWORD: password, ...Object.fromEntries(entries) };
}

async function untilReady(server, state) {
  try {
    await until(async () => (await server.ready(state), true), {
      what: `${server.title} starting in container ${state.container.slice(0, 12)}`,
      timeoutMs: server.readyTimeoutMs,
      everyMs: 250,
    });
  } catch (error) {
    const { stdout, stderr } = spawnSync("docker", ["logs", "--tail", "20", state.container], {
      encoding: "utf8",
    });
    throw new Error(`${error.message}\n--- the end of its log:\n${stdout}${stderr}`, { cause: error });
  }
}

function run(server, state, args) {
  return docker(["compose", "-p", project, "-f", file, ...args], variablesFor(server.name, state));
}

function docker(args, env = {}) {
  const { status, stdout, stderr, error } = spawnSync("docker", args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 600_000,
  });
  if (status === 0) return stdout;
  throw new Error(`docker ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
