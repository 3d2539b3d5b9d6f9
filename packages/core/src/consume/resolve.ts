import { problemOfChannel } from "../event/channel.ts";
import { OptionsError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames, type OptionNames } from "../options/names.ts";
import { problemsOfRule } from "../failure/error-rule.ts";
import { requestChannel } from "../request/address.ts";
import { problemsOfPolicy, exponential } from "../retry/retry-policy.ts";
import type { ConsumerOptions, ResolvedConsumer, Route, StartAt } from "./definition.ts";

type AnyOptions = ConsumerOptions<unknown, "none" | "key", StartAt, "share" | "each">;

const names: OptionNames<AnyOptions> = {
  store: true,
  retry: true,
  errors: true,
  concurrency: true,
  maxInFlight: true,
  timeoutMs: true,
  inbox: true,
  ordering: true,
  onExhausted: true,
  unhandled: true,
  foreign: true,
  startAt: true,
  members: true,
  channels: true,
};

/** What is wrong with a consumer's options. Checked when it is defined, so that the mistake shows where it is made. */
export function assertConsumerOptions(name: unknown, options: unknown): void {
  const problems = [
    ...check(
      typeof name === "string" && problemOfChannel(name) === undefined,
      "name: letters, digits, '.', '-' and '_', 200 at most",
    ),
    ...(isOptions(options) ? problemsOf(options) : [noObject]),
  ];
  if (problems.length > 0) throw new OptionsError(`The consumer '${String(name)}'`, problems);
}

function problemsOf(options: AnyOptions): string[] {
  return [
    ...problemsOfNames(options, names),
    ...check(
      options.store === undefined || isOptions(options.store),
      "store: must be the store of the messaging",
    ),
    ...problemsOfPolicy("retry", options.retry),
    ...problemsOfRules(options.errors),
    ...check(whole(options.concurrency, 1, 10_000), "concurrency: must be a whole number from 1 to 10,000"),
    ...check(whole(options.maxInFlight, 1, 100_000), "maxInFlight: must be a whole number from 1 to 100,000"),
    ...check(positive(options.timeoutMs), "timeoutMs: must be more than 0 milliseconds, or Infinity"),
    ...oneOf("inbox", options.inbox, ["store", "memory", "none"]),
    ...oneOf("ordering", options.ordering, ["none", "key"]),
    ...oneOf("onExhausted", options.onExhausted, ["skip", "hold-key"]),
    ...check(
      options.onExhausted === undefined || options.ordering === "key",
      "onExhausted: needs ordering: 'key'",
    ),
    ...oneOf("unhandled", options.unhandled, ["ack", "dead-letter"]),
    ...oneOf("members", options.members, ["share", "each"]),
    ...check(
      options.members !== "each" || options.inbox !== "store",
      "inbox: 'store' marks a message for all instances, and members: 'each' wants every one of them to work on it; take 'memory' or 'none'",
    ),
    ...check(
      options.foreign === undefined || typeof options.foreign === "function",
      "foreign: must be a function",
    ),
    ...check(validStart(options.startAt), "startAt: must be 'new', 'beginning' or a valid Date"),
    ...problemsOfChannels(options.channels),
  ];
}

/** Every default filled in, and the channels that the handled definitions live on. */
export function resolveConsumer(
  name: string,
  options: AnyOptions,
  routes: ReadonlyMap<string, Route>,
): ResolvedConsumer {
  const concurrency = options.concurrency ?? 16;
  const largestBatch = Math.max(
    0,
    ...[...routes.values()].map((route) => (route.mode === "batch" ? route.maxSize : 0)),
  );
  const channels = new Set([
    // What is asked of a consumer comes by the channel that is its own.
    ...[...routes.values()].map(({ parts }) =>
      parts.kind === "event" ? parts.channel : requestChannel(name),
    ),
    ...(options.channels ?? []),
  ]);
  return {
    name,
    routes,
    retry: options.retry ?? exponential({ attempts: 5 }),
    errors: options.errors ?? [],
    concurrency,
    maxInFlight: options.maxInFlight ?? Math.max(concurrency * 2, largestBatch * 2),
    timeoutMs: options.timeoutMs ?? 60_000,
    inbox: options.inbox,
    ordering: options.ordering ?? "none",
    onExhausted: options.onExhausted ?? "skip",
    unhandled: options.unhandled ?? "ack",
    foreign: options.foreign,
    startAt: options.startAt ?? "new",
    members: options.members ?? "share",
    channels: [...channels],
    wantsStore: options.store !== undefined || options.inbox === "store",
  };
}

function problemsOfRules(rules: unknown): string[] {
  if (rules === undefined) return [];
  if (!Array.isArray(rules)) return ["errors: must be an array of onError(…)"];
  return rules.flatMap((rule: unknown, index) => problemsOfRule(`errors[${index}]`, rule));
}

function problemsOfChannels(channels: unknown): string[] {
  if (channels === undefined) return [];
  if (!Array.isArray(channels)) return ["channels: must be an array of names"];
  return channels.flatMap((channel: unknown, index) => {
    const problem = problemOfChannel(channel);
    return problem === undefined ? [] : [`channels[${index}]: ${problem}`];
  });
}

function validStart(startAt: unknown): boolean {
  if (startAt instanceof Date) return !Number.isNaN(startAt.getTime());
  return startAt === undefined || startAt === "new" || startAt === "beginning";
}

function whole(value: number | undefined, low: number, high: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= low && value <= high);
}

function positive(value: number | undefined): boolean {
  return value === undefined || (typeof value === "number" && value > 0);
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): string[] {
  return check(
    value === undefined || (allowed as readonly unknown[]).includes(value),
    `${name}: must be one of ${allowed.join(", ")}`,
  );
}

function check(holds: boolean, said: string): string[] {
  return holds ? [] : [said];
}
