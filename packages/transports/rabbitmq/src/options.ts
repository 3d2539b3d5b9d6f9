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
import { type Address, parseAddress } from "./amqp/address.ts";
import type { AttributePrefix } from "./amqp/attribute-prefix.ts";
import { retryDelays } from "./amqp/tiers.ts";

/** Who creates exchanges, queues and bindings. */
export type TopologyMode = "declare" | "check" | "none";

/** How many queues an ordered group has: a divisor of the 16 shards. */
export type Partitions = 1 | 2 | 4 | 8 | 16;

/** Which RabbitMQ a transport connects to, and how. */
export interface RabbitmqOptions {
  /**
   * `amqp://user:password@one:5672,two:5672/vhost`, or `amqps://…`. Several hosts are tried in turn. Default
   * `amqp://guest:guest@localhost:5672/`.
   */
  readonly url?: string | undefined;
  /** For `amqps`: certificates and checks, as `tls.connect` takes them. */
  readonly tls?: TlsOptions | undefined;
  /** Shown by the broker's management. Default `postrider`. */
  readonly connectionName?: string | undefined;
  /**
   * How often a sign of life is asked for, in milliseconds, in whole seconds, 1,000 to 60,000. A peer that is silent for
   * two of them is given up. Default 10,000.
   */
  readonly heartbeatMs?: number | undefined;
  /** How long one host may take to answer, in milliseconds, 100 to 120,000. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest wait between two attempts to connect again, in milliseconds, 100 to 300,000. Default 10,000. */
  readonly maxReconnectDelayMs?: number | undefined;
  /**
   * The largest message that is sent, attributes, headers and body together, in bytes. Default 16,777,216, which is what
   * RabbitMQ 4 takes; the server does not tell its own limit.
   */
  readonly maxMessageBytes?: number | undefined;
  /**
   * `declare` creates what is missing. `check` fails where something is missing. `none` asks nothing and takes it that
   * everything is there. Default `declare`.
   */
  readonly topology?: TopologyMode | undefined;
  /** Put before the name of every exchange and queue. At most 60 bytes. Default none. */
  readonly namePrefix?: string | undefined;
  /** Queues of an ordered group, and so the most members that can work at once. 1, 2, 4, 8 or 16. Default 8. */
  readonly partitions?: Partitions | undefined;
  /**
   * The delays for which there are wait queues, in milliseconds, ascending, 1 to 864,000,000. A retry waits for the
   * shortest that is not shorter than it asked for. Default: ten per decade from 100 to 100,000,000, made when first used,
   * so that a retry waits at most 28 % longer than asked, or 100 ms.
   */
  readonly retryDelaysMs?: readonly number[] | undefined;
  /**
   * What becomes of a message that no queue is bound for: `reject` fails the publish with TRANSPORT_UNROUTABLE, `drop`
   * takes it that nobody wants it. Default `reject`.
   */
  readonly unroutable?: "reject" | "drop" | undefined;
  /** What attributes are written with; all three are read. Default `cloudEvents:`. */
  readonly attributePrefix?: "cloudEvents:" | "cloudEvents_" | "ce-" | undefined;
  /** How long an acknowledgement may wait for others to go with it, in milliseconds, 0 to 1,000. Default 5. */
  readonly ackDelayMs?: number | undefined;
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
  readonly retryDelaysMs: readonly number[];
  readonly unroutable: "reject" | "drop";
  readonly attributePrefix: AttributePrefix;
  readonly ackDelayMs: number;
  readonly clock: Clock;
}

export const defaultMaxMessageBytes: number = 16 * 1024 * 1024;

const names: OptionNames<RabbitmqOptions> = {
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
  retryDelaysMs: true,
  unroutable: true,
  attributePrefix: true,
  ackDelayMs: true,
  clock: true,
};

/** @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function resolveOptions(options: RabbitmqOptions): ResolvedOptions {
  // Options may come from plain JavaScript, or from a file.
  if (!isOptions(options)) throw new OptionsError("rabbitmq", problemsOfOptions(options, names));
  const resolved = withDefaults(options);
  const problems = [
    ...problemsOfOptions(options, names),
    ...problemsOfParts(options),
    ...problemsOfNumbers(resolved),
    ...problemsOfChoices(resolved),
    ...problemsOfRetryDelays(resolved.retryDelaysMs),
    ...problemsOfTexts(resolved),
  ];
  const address = addressOf(options, problems);
  if (problems.length > 0) throw new OptionsError("rabbitmq", problems);
  return { ...resolved, address };
}

function withDefaults(options: RabbitmqOptions): Omit<ResolvedOptions, "address"> {
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
    retryDelaysMs: options.retryDelaysMs ?? retryDelays(),
    unroutable: options.unroutable ?? "reject",
    attributePrefix: options.attributePrefix ?? "cloudEvents:",
    ackDelayMs: options.ackDelayMs ?? 5,
    clock: options.clock ?? systemClock,
  };
}

function addressOf({ url, tls }: RabbitmqOptions, problems: string[]): Address {
  if (url !== undefined && typeof url !== "string") problems.push("url: must be text");
  const address = parseAddress(
    typeof url === "string" ? url : "amqp://guest:guest@localhost:5672/",
    problems,
  );
  if (tls !== undefined && !address.secure) problems.push("tls: is for amqps://, and the url is amqp://");
  return address;
}

function problemsOfNumbers(options: Omit<ResolvedOptions, "address">): string[] {
  return [
    ...inRange("heartbeatMs", options.heartbeatMs, 1_000, 60_000),
    ...(options.heartbeatMs % 1_000 === 0 ? [] : ["heartbeatMs: must be whole seconds, 10_000 for example"]),
    ...inRange("connectTimeoutMs", options.connectTimeoutMs, 100, 120_000),
    ...inRange("maxReconnectDelayMs", options.maxReconnectDelayMs, 100, 300_000),
    ...inRange("maxMessageBytes", options.maxMessageBytes, 1, 536_870_912),
    ...inRange("ackDelayMs", options.ackDelayMs, 0, 1_000),
  ];
}

function problemsOfChoices(options: Omit<ResolvedOptions, "address">): string[] {
  return [
    ...oneOf("topology", options.topology, ["declare", "check", "none"]),
    ...oneOf("partitions", options.partitions, [1, 2, 4, 8, 16]),
    ...oneOf("unroutable", options.unroutable, ["reject", "drop"]),
    ...oneOf("attributePrefix", options.attributePrefix, ["cloudEvents:", "cloudEvents_", "ce-"]),
  ];
}

function problemsOfRetryDelays(delaysMs: unknown): string[] {
  const fits =
    Array.isArray(delaysMs) &&
    delaysMs.length > 0 &&
    delaysMs.length <= 100 &&
    delaysMs.every((delayMs, index) => {
      const before: unknown = delaysMs[index - 1];
      return (
        Number.isInteger(delayMs) &&
        Number(delayMs) >= 1 &&
        Number(delayMs) <= 864_000_000 &&
        (index === 0 || Number(delayMs) > Number(before))
      );
    });
  return fits ? [] : ["retryDelaysMs: must be 1 to 100 whole numbers from 1 to 864000000, ascending"];
}

function problemsOfTexts(options: Omit<ResolvedOptions, "address">): string[] {
  const { connectionName, namePrefix } = options;
  const problems: string[] = [];
  if (typeof connectionName !== "string") problems.push("connectionName: must be text");
  if (typeof namePrefix !== "string" || Buffer.byteLength(namePrefix) > 60)
    problems.push("namePrefix: must be text of at most 60 bytes");
  else if (/^amq\./i.test(namePrefix))
    problems.push("namePrefix: RabbitMQ keeps names that begin with 'amq.'");
  return problems;
}

function inRange(name: string, value: unknown, least: number, most: number): string[] {
  const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return fits ? [] : [`${name}: must be a whole number from ${least} to ${most}`];
}

function oneOf(name: string, value: unknown, choices: readonly unknown[]): string[] {
  return choices.includes(value) ? [] : [`${name}: must be one of ${choices.join(", ")}`];
}
