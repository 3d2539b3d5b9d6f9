import type { Redis } from "ioredis";
import { wordOf } from "./said.ts";
import { type ScriptName, scripts } from "./scripts.ts";

/*
 * Commands as they are, with replies as bytes: typed methods of the client would decode what must stay untouched, and
 * know no commands that are newer than they.
 */

export type Argument = string | number | Buffer;

export function command(client: Redis, name: string, args: readonly Argument[]): Promise<unknown> {
  return client.callBuffer(name, [...args]);
}

/** Runs a script that was loaded when the connection was made, and once more when the server has forgotten it. */
export async function run(
  client: Redis,
  name: ScriptName,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const all = [scripts[name].digest, keys.length, ...keys, ...args];
  try {
    return await client.callBuffer("EVALSHA", all);
  } catch (error) {
    const word = wordOf(error);
    // Another server is the primary now: the next connection looks for it.
    if (word === "READONLY") client.disconnect();
    if (word !== "NOSCRIPT") throw error;
    await loadScripts(client);
    return client.callBuffer("EVALSHA", all);
  }
}

export async function loadScripts(client: Redis): Promise<void> {
  await Promise.all(Object.values(scripts).map(({ text }) => client.call("SCRIPT", "LOAD", text)));
}

/** Replies are lists of lists, texts as bytes and numbers: what is no list is none. */
export function listOf(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}

export function textOf(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply);
}

export function numberOf(reply: unknown): number {
  return Number(Buffer.isBuffer(reply) ? reply.toString() : reply);
}

export function bytesOf(reply: unknown): readonly Buffer[] {
  return listOf(reply).filter((one) => Buffer.isBuffer(one));
}
