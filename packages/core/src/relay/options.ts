import { OptionsError } from "../errors.ts";
import { isOptions, noObject, problemsOfNames } from "../options/names.ts";
import { exponential, problemsOfPolicy, type RetryPolicy } from "../retry/retry-policy.ts";

/** How a relay works. All of it has a default. */
export interface RelayOptions {
  /** Rows per read, 1 to 10,000. Default 500: about twice the rate of 100, and 1,000 adds little. */
  readonly batchSize?: number | undefined;
  /**
   * Bytes of data per read, from 1. Default 8 MiB. A row that is larger travels alone; parked events may add a quarter.
   * It bounds the memory that a page takes, a few times this with what the driver holds.
   */
  readonly pageMaxBytes?: number | undefined;
  /** Bytes under way to the broker at once. Default 16 MiB. */
  readonly maxBytesInFlight?: number | undefined;
  /** How long the lease holds without being renewed, in milliseconds, at least 1,000. Default 10,000. */
  readonly leaseMs?: number | undefined;
  /** The shortest wait between two reads of an empty outbox. Default 50 ms. */
  readonly minPollMs?: number | undefined;
  /** The longest wait between two reads of an empty outbox; a wake-up cuts it short. Default 1,000 ms. */
  readonly maxPollMs?: number | undefined;
  /** How long the transport may try one page, in milliseconds. Default 30,000. */
  readonly publishDeadlineMs?: number | undefined;
  /** For an event that the broker refuses. Default: 10 attempts, from 1 s doubling to 5 min. */
  readonly retry?: RetryPolicy | undefined;
  /**
   * What later events of a key do when one of them has used up its attempts: wait (`hold-key`), or go on past it
   * (`skip`). Default `hold-key`; events without a key never hold anything.
   */
  readonly onDead?: "hold-key" | "skip" | undefined;
  /**
   * How long the inbox remembers what was worked on, in milliseconds, from 60,000; `Infinity` for ever. Default 7 days.
   * The leader takes older marks away, 5,000 at a time. A message that comes again later counts as new: stay above the
   * longest time after which a broker delivers again or a person replays.
   */
  readonly inboxRetentionMs?: number | undefined;
  /** Default `binary`. */
  readonly contentMode?: "binary" | "structured" | undefined;
}

export type ResolvedRelayOptions = { readonly [K in keyof RelayOptions]-?: NonNullable<RelayOptions[K]> };

/** Every default filled in. Throws one OptionsError with all problems. */
export function resolveRelayOptions(options: RelayOptions = {}): ResolvedRelayOptions {
  if (!isOptions(options)) throw new OptionsError("The relay's options", [noObject]);
  const resolved: ResolvedRelayOptions = {
    batchSize: options.batchSize ?? 500,
    pageMaxBytes: options.pageMaxBytes ?? 8 * 1_024 * 1_024,
    maxBytesInFlight: options.maxBytesInFlight ?? 16 * 1_024 * 1_024,
    leaseMs: options.leaseMs ?? 10_000,
    minPollMs: options.minPollMs ?? 50,
    maxPollMs: options.maxPollMs ?? 1_000,
    publishDeadlineMs: options.publishDeadlineMs ?? 30_000,
    retry: options.retry ?? exponential({ attempts: 10, initialMs: 1_000, maxMs: 300_000 }),
    onDead: options.onDead ?? "hold-key",
    inboxRetentionMs: options.inboxRetentionMs ?? 7 * 86_400_000,
    contentMode: options.contentMode ?? "binary",
  };
  const problems = [
    ...problemsOfNames(options, resolved),
    ...check(within(resolved.batchSize, 1, 10_000), "batchSize: must be a whole number from 1 to 10,000"),
    ...check(
      within(resolved.pageMaxBytes, 1, Number.MAX_SAFE_INTEGER),
      "pageMaxBytes: must be 1 or more bytes",
    ),
    ...check(
      within(resolved.maxBytesInFlight, 1, Number.MAX_SAFE_INTEGER),
      "maxBytesInFlight: must be 1 or more bytes",
    ),
    ...check(
      within(resolved.leaseMs, 1_000, 3_600_000),
      "leaseMs: must be from 1,000 to 3,600,000 milliseconds",
    ),
    ...check(within(resolved.minPollMs, 1, 3_600_000), "minPollMs: must be 1 or more milliseconds"),
    ...check(resolved.maxPollMs >= resolved.minPollMs, "maxPollMs: must not be less than minPollMs"),
    ...check(
      within(resolved.publishDeadlineMs, 100, 3_600_000),
      "publishDeadlineMs: must be from 100 milliseconds",
    ),
    ...problemsOfPolicy("retry", options.retry),
    ...check(["hold-key", "skip"].includes(resolved.onDead), "onDead: must be 'hold-key' or 'skip'"),
    ...check(
      resolved.inboxRetentionMs === Infinity ||
        within(resolved.inboxRetentionMs, 60_000, Number.MAX_SAFE_INTEGER),
      "inboxRetentionMs: must be from 60,000 milliseconds, or Infinity",
    ),
    ...check(
      ["binary", "structured"].includes(resolved.contentMode),
      "contentMode: must be 'binary' or 'structured'",
    ),
  ];
  if (problems.length > 0) throw new OptionsError("The relay's options", problems);
  return resolved;
}

function check(holds: boolean, said: string): string[] {
  return holds ? [] : [said];
}

function within(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
