import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromChild, StartMessage, ToChild } from "./protocol.ts";

/** A service in a child process. */
export interface ServiceProcess {
  readonly pid: number;
  /** Calls a method of the service. Rejects with its error, and when the process is gone. */
  call(method: string, ...args: readonly unknown[]): Promise<unknown>;
  /** Ends it as a crash does; resolves when it is gone. */
  kill(): Promise<void>;
  /** Lets the service drain and close; resolves when the process has ended. */
  close(): Promise<void>;
}

/** How long a process may take to end before it is killed, in milliseconds. */
const closeMs = 20_000;

/** Resolves when the service is at work; rejects with its reason when it cannot start. */
export async function startProcess(
  start: StartMessage,
  onLog: (line: string) => void,
): Promise<ServiceProcess> {
  const child = fork(modulePath(), { stdio: ["ignore", 2, 2, "ipc"] });
  const calls = createCalls(child, start.service);
  await calls.started(start, onLog);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? 0,
    call: calls.call,
    kill: async () => {
      if (hasEnded()) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    close: async () => {
      if (hasEnded()) return;
      const exited = once(child, "exit");
      const killing = setTimeout(() => child.kill("SIGKILL"), closeMs);
      if (child.connected) child.disconnect();
      await exited;
      clearTimeout(killing);
    },
  };
}

/** Beside this file, compiled or not. */
function modulePath(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fileURLToPath(new URL(`./child.${extension}`, import.meta.url));
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Calls under way, by their number; 0 is the start. */
function createCalls(child: ChildProcess, service: string) {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let gone: Error | undefined;
  const settle = (id: number, how: (one: Waiting) => void): void => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (one !== undefined) how(one);
  };
  const ended = (said: string): void => {
    gone ??= new Error(`The process of ${service} ended: ${said}`);
    for (const id of waiting.keys()) settle(id, (one) => one.reject(gone ?? new Error(said)));
  };
  child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
  child.once("error", (error) => ended(error.message));

  const ask = (id: number, message: ToChild): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      waiting.set(id, { resolve, reject });
      child.send(message, (error) => {
        if (error !== null) settle(id, (one) => one.reject(error));
      });
    });

  return {
    started: async (start: StartMessage, onLog: (line: string) => void): Promise<void> => {
      child.on("message", (message: FromChild) => {
        if (message.kind === "log") onLog(message.line);
        else if (message.kind === "started") settle(0, (one) => one.resolve(undefined));
        else if (message.kind === "failed")
          settle(0, (one) => one.reject(new Error(`${service}: ${message.reason}`)));
        else if (message.kind === "answer") settle(message.id, (one) => one.resolve(message.value));
        else settle(message.id, (one) => one.reject(new Error(`${service}: ${message.reason}`)));
      });
      await ask(0, start);
    },
    call: (method: string, ...args: readonly unknown[]): Promise<unknown> => {
      lastId += 1;
      return ask(lastId, { kind: "call", id: lastId, method, args });
    },
  };
}
