import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import { patience } from "./patience.ts";

/** A process of the test's own. */
export interface Child {
  readonly pid: number | undefined;
  becomes(state: string): Promise<void>;
  isAt(point: string): Promise<void>;
  kill(): Promise<void>;
  freeze(): void;
  /** Runs again where it stood still, and goes on from the point at which it had stopped. */
  wake(): void;
  /** Ends as a process should, and must do so. */
  end(): Promise<void>;
}

/** `killed` is for good; one that is `frozen` stands still and knows nothing of it. */
export const fates = ["killed", "frozen"] as const;
export type Fate = (typeof fates)[number];

export async function strike(child: Child, fate: Fate): Promise<void> {
  if (fate === "killed") await child.kill();
  else child.freeze();
}

const compiled = fileURLToPath(new URL("../../../../../node_modules/.cache/crash-suite", import.meta.url));

/** Starts a program; it is gone when the test has finished. */
export function startChild(program: URL, place: object): Child {
  const child = fork(fileURLToPath(program), [JSON.stringify(place)], {
    execArgv: ["--conditions=@postrider/source"],
    // A test starts three or four: what one has compiled the next need not.
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const said: { state?: string; at?: string } = {};
  child.on("message", (message) => Object.assign(said, message));
  onTestFinished(() => kill(child));
  return {
    pid: child.pid,
    becomes: (state) => vi.waitFor(() => expect(said.state).toBe(state), patience),
    isAt: (point) => vi.waitFor(() => expect(said.at).toBe(point), patience),
    kill: () => kill(child),
    freeze: () => void child.kill("SIGSTOP"),
    wake: () => {
      child.kill("SIGCONT");
      child.send({ go: true });
    },
    end: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
