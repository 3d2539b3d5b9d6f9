import type { Clock } from "../../contracts/clock.ts";
import { OptionsError } from "../../errors.ts";
import { isOptions, noObject, problemsOfNames, type OptionNames } from "../../options/names.ts";
import { memoryBroker, serverOf, type MemoryBroker } from "../broker/broker.ts";
import type { MissingChannel } from "../broker/channels.ts";

/** Which broker a transport in memory connects to, and how. */
export interface MemoryTransportOptions {
  /** The broker to connect to. Default: one of its own, with default options. */
  readonly broker?: MemoryBroker | undefined;
  /** What publishing and subscribing do about a channel that does not exist. Default `create`. */
  readonly missingChannel?: MissingChannel | undefined;
  /** Deadlines run by this clock. Default: that of the broker. */
  readonly clock?: Clock | undefined;
}

export interface ResolvedTransportOptions {
  readonly broker: MemoryBroker;
  readonly missingChannel: MissingChannel;
  readonly clock: Clock;
}

const names: OptionNames<MemoryTransportOptions> = { broker: true, missingChannel: true, clock: true };

/** @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function resolveTransportOptions(options: MemoryTransportOptions): ResolvedTransportOptions {
  if (!isOptions(options)) throw new OptionsError("memory", [noObject]);
  const { broker = memoryBroker({ clock: options.clock }), missingChannel = "create" } = options;
  const problems = problemsOfNames(options, names);
  // Options may come from plain JavaScript, or from a file.
  if (!isBroker(broker)) problems.push("broker: must be what memoryBroker() returned");
  if (!["create", "reject"].includes(missingChannel)) {
    problems.push(`missingChannel: must be 'create' or 'reject', is '${missingChannel}'`);
  }
  if (problems.length > 0) throw new OptionsError("memory", problems);
  return { broker, missingChannel, clock: options.clock ?? broker[serverOf].clock };
}

function isBroker(value: unknown): boolean {
  return typeof value === "object" && value !== null && serverOf in value;
}

/** A URL chooses this transport and nothing more: brokers in memory have no address. */
export function checkUrl(url: string | undefined): void {
  if (url === undefined || /^memory:\/{0,3}$/.test(url)) return;
  throw new OptionsError("memory", [
    "url: must be 'memory://': a broker in memory has no address, give transports the same memoryBroker() instead",
  ]);
}
