import { systemClock } from "../../clock.ts";
import type { Clock } from "../../contracts/clock.ts";
import { OptionsError } from "../../errors.ts";
import { isOptions, noObject, problemsOfNames, type OptionNames } from "../../options/names.ts";

/** The bounds of a broker in memory. */
export interface MemoryBrokerOptions {
  /** Newest messages kept per channel for groups that start in the past, whoever has read them. Default 10,000. */
  readonly retainedMessages?: number | undefined;
  /** Messages that one group may have outstanding in one channel, and dead letters of one group. Default 100,000. */
  readonly maxQueuedMessages?: number | undefined;
  /** Largest message, attributes, headers and body together. Default 1 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Delays run by this clock. Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface BrokerLimits {
  readonly retainedMessages: number;
  readonly maxQueuedMessages: number;
  readonly maxMessageBytes: number;
}

export interface ResolvedBrokerOptions extends BrokerLimits {
  readonly clock: Clock;
}

const defaults: BrokerLimits = {
  retainedMessages: 10_000,
  maxQueuedMessages: 100_000,
  maxMessageBytes: 1024 * 1024,
};

const names: OptionNames<MemoryBrokerOptions> = {
  retainedMessages: true,
  maxQueuedMessages: true,
  maxMessageBytes: true,
  clock: true,
};

/** @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function resolveBrokerOptions(options: MemoryBrokerOptions): ResolvedBrokerOptions {
  if (!isOptions(options)) throw new OptionsError("memoryBroker", [noObject]);
  const problems = problemsOfNames(options, names);
  const count = (name: keyof BrokerLimits): number => {
    const value = options[name] ?? defaults[name];
    if (!Number.isSafeInteger(value) || value < 1)
      problems.push(`${name}: must be a whole number from 1, is ${String(value)}`);
    return value;
  };
  const limits = {
    retainedMessages: count("retainedMessages"),
    maxQueuedMessages: count("maxQueuedMessages"),
    maxMessageBytes: count("maxMessageBytes"),
  };
  if (problems.length > 0) throw new OptionsError("memoryBroker", problems);
  return { ...limits, clock: options.clock ?? systemClock };
}
