import { MessagingError } from "@postrider/core";
import type { Redis } from "ioredis";
import { wordOf } from "./said.ts";

/** XAUTOCLAIM, XADD NOMKSTREAM and XTRIM MINID. */
const oldest = [6, 2] as const;

/**
 * Refuses a server on which messages would be lost or could not be kept, each time a connection is made: the next host of
 * the list may be another one.
 *
 * @throws MessagingError TRANSPORT_UNAVAILABLE for one that is not ready or no primary, and CONFIG_INVALID for the rest.
 */
export async function checkServer(client: Redis): Promise<void> {
  const facts = await readFacts(client);
  if (facts === undefined) return;
  if (facts.get("loading") === "1") throw notReady("it is reading its data from disk");
  if ((facts.get("role") ?? "master") !== "master") throw notReady("it is a replica, and takes no writes");
  const problem = problemOf(facts);
  if (problem !== undefined)
    throw new MessagingError("CONFIG_INVALID", `This Redis cannot be used: ${problem}`);
}

async function readFacts(client: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  let text: string;
  try {
    text = await client.info();
  } catch (error) {
    // A user may be kept from asking; what matters more will show.
    if (wordOf(error) === "NOPERM") return undefined;
    throw error;
  }
  return new Map(
    text.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

function problemOf(facts: ReadonlyMap<string, string>): string | undefined {
  const version = facts.get("redis_version") ?? "";
  if (isOlder(version)) return `it is version ${version}, and ${oldest.join(".")} is the oldest that can be`;
  if (facts.get("cluster_enabled") === "1")
    return "it is a node of a Redis Cluster, which this transport does not speak to yet";
  const policy = facts.get("maxmemory_policy") ?? "";
  if (policy.startsWith("allkeys-"))
    return `its maxmemory-policy is ${policy}, by which whole streams vanish when memory runs out. Set noeviction`;
  return undefined;
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return version !== "" && (major < oldest[0] || (major === oldest[0] && minor < oldest[1]));
}

function notReady(why: string): MessagingError {
  return new MessagingError("TRANSPORT_UNAVAILABLE", `This Redis cannot be used now: ${why}`);
}
