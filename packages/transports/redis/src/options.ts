import type { ConnectionOptions as TlsOptions } from "node:tls";
import {
  type Clock,
  isOptions,
  type OptionNames,
  OptionsError,
  problemsOfOptions,
  problemsOfParts,
  systemClock,
} from "@postrider/core";
import { type Address, parseAddress } from "./streams/address.ts";

/** Who creates streams and groups. */
export type TopologyMode = "declare" | "check" | "none";

/** Over how many streams a channel is spread: a divisor of the 16 shards. */
export type Partitions = 1 | 2 | 4 | 8 | 16;

/** Which Redis a transport connects to, and how. */
export interface RedisOptions {
  /**
   * `redis://user:password@one:6379,two:6379/0`, or `rediss://…`. Several hosts are tried in turn until one is the
   * primary. Default `redis://localhost:6379/0`.
   */
  readonly url?: string | undefined;
  /** For `rediss`: certificates and checks, as `tls.connect` takes them. */
  readonly tls?: TlsOptions | undefined;
  /** Shown by `CLIENT LIST`. No spaces. Default `postrider`. */
  readonly connectionName?: string | undefined;
  /**
   * How often a sign of life is asked for, in milliseconds, 500 to 60,000. A server that is silent for two of them is
   * given up. Default 10,000.
   */
  readonly heartbeatMs?: number | undefined;
  /** How long one host may take to answer, in milliseconds, 100 to 120,000. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest wait between two attempts to connect again, in milliseconds, 100 to 300,000. Default 10,000. */
  readonly maxReconnectDelayMs?: number | undefined;
  /** The largest message that is sent, attributes, headers and body together, in bytes. Default 16,777,216. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * `declare` creates what is missing. `check` fails where something is missing. `none` asks nothing and takes it that
   * everything is there. Default `declare`.
   */
  readonly topology?: TopologyMode | undefined;
  /** Put before the name of every key. At most 60 bytes, no braces. Default none. */
  readonly namePrefix?: string | undefined;
  /**
   * Streams of a channel, and so the most members of an ordered group that can work at once. 1, 2, 4, 8 or 16. All who use
   * a channel must say the same. Default 8.
   */
  readonly partitions?: Partitions | undefined;
  /**
   * How long a member may give no sign before others take what it holds, in milliseconds, 500 to 3,600,000. It is
   * extended three times as often, however long handlers take. All members of a group must say the same. Default 30,000.
   */
  readonly leaseMs?: number | undefined;
  /**
   * How long messages stay in a stream at least, in milliseconds, 0 to 10 years; for groups that begin in the past. What
   * a group has not read or not acknowledged stays in any case. Default 3,600,000: an hour.
   */
  readonly retainMs?: number | undefined;
  /** Deadlines and waits run by this clock. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** Everything decided: what the rooms of the transport are built from. */
export interface ResolvedOptions {
  readonly address: Address;
  readonly tls: TlsOptions;
  readonly connectionName: string;
  readonly heartbeatMs: number;
  readonly connectTimeoutMs: number;
  readonly maxReconnectDelayMs: number;
  readonly maxMessageBytes: number;
  readonly topology: TopologyMode;
  readonly namePrefix: string;
  readonly partitions: Partitions;
  readonly leaseMs: number;
  readonly retainMs: number;
  readonly clock: Clock;
}

export const defaultMaxMessageBytes: number = 16 * 1024 * 1024;

const tenYearsMs = 315_360_000_000;

const names: OptionNames<RedisOptions> = {
  url: true,
  tls: true,
  connectionName: true,
  heartbeatMs: true,
  connectTimeoutMs: true,
  maxReconnectDelayMs: true,
  maxMessageBytes: true,
  topology: true,
  namePrefix: true,
  partitions: true,
  leaseMs: true,
  retainMs: true,
  clock: true,
};

/** @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function resolveOptions(options: RedisOptions): ResolvedOptions {
  // Options may come from plain JavaScript, or from a file.
  if (!isOptions(options)) throw new OptionsError("redis", problemsOfOptions(options, names));
  const resolved = withDefaults(options);
  const problems = [
    ...problemsOfOptions(options, names),
    ...problemsOfParts(options),
    ...problemsOfNumbers(resolved),
    ...oneOf("topology", resolved.topology, ["declare", "check", "none"]),
    ...oneOf("partitions", resolved.partitions, [1, 2, 4, 8, 16]),
    ...problemsOfTexts(resolved),
  ];
  const address = addressOf(options, problems);
  if (problems.length > 0) throw new OptionsError("redis", problems);
  return { ...resolved, address };
}

function withDefaults(options: RedisOptions): Omit<ResolvedOptions, "address"> {
  return {
    tls: options.tls ?? {},
    connectionName: options.connectionName ?? "postrider",
    heartbeatMs: options.heartbeatMs ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    maxReconnectDelayMs: options.maxReconnectDelayMs ?? 10_000,
    maxMessageBytes: options.maxMessageBytes ?? defaultMaxMessageBytes,
    topology: options.topology ?? "declare",
    namePrefix: options.namePrefix ?? "",
    partitions: options.partitions ?? 8,
    leaseMs: options.leaseMs ?? 30_000,
    retainMs: options.retainMs ?? 3_600_000,
    clock: options.clock ?? systemClock,
  };
}

function addressOf({ url, tls }: RedisOptions, problems: string[]): Address {
  if (url !== undefined && typeof url !== "string") problems.push("url: must be text");
  const address = parseAddress(typeof url === "string" ? url : "redis://localhost:6379/0", problems);
  if (tls !== undefined && !address.secure) problems.push("tls: is for rediss://, and the url is redis://");
  return address;
}

function problemsOfNumbers(options: Omit<ResolvedOptions, "address">): string[] {
  return [
    ...inRange("heartbeatMs", options.heartbeatMs, 500, 60_000),
    ...inRange("connectTimeoutMs", options.connectTimeoutMs, 100, 120_000),
    ...inRange("maxReconnectDelayMs", options.maxReconnectDelayMs, 100, 300_000),
    ...inRange("maxMessageBytes", options.maxMessageBytes, 1, 536_870_912),
    ...inRange("leaseMs", options.leaseMs, 500, 3_600_000),
    ...inRange("retainMs", options.retainMs, 0, tenYearsMs),
  ];
}

function problemsOfTexts({ connectionName, namePrefix }: Omit<ResolvedOptions, "address">): string[] {
  const problems: string[] = [];
  if (typeof connectionName !== "string" || !/^[\x21-\x7e]*$/.test(connectionName))
    problems.push("connectionName: must be text without spaces");
  if (typeof namePrefix !== "string" || Buffer.byteLength(namePrefix) > 60 || /[{}]/.test(namePrefix))
    problems.push("namePrefix: must be text of at most 60 bytes, without braces");
  return problems;
}

function inRange(name: string, value: unknown, least: number, most: number): string[] {
  const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return fits ? [] : [`${name}: must be a whole number from ${least} to ${most}`];
}

function oneOf(name: string, value: unknown, choices: readonly unknown[]): string[] {
  return choices.includes(value) ? [] : [`${name}: must be one of ${choices.join(", ")}`];
}
