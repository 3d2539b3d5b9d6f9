import type { Broker, Requirable, TransportLoaders } from "./broker/broker-options.ts";
import type { Capabilities, CapabilityName } from "./contracts/capabilities.ts";
import type { Clock } from "./contracts/clock.ts";
import type { Logger } from "./contracts/logger.ts";
import type { Store } from "./contracts/store.ts";
import { OptionsError } from "./errors.ts";
import type { RelayOptions } from "./relay/options.ts";
import type { TelemetryOptions } from "./telemetry/telemetry.ts";

/** How events leave by the direct way. */
export interface PublishSettings {
  /** Default 30,000 ms. */
  readonly deadlineMs?: number | undefined;
  /** Messages under way to the broker at once. Default 1,000. */
  readonly maxMessagesInFlight?: number | undefined;
  /** Bytes under way to the broker at once. Default 16 MiB. */
  readonly maxBytesInFlight?: number | undefined;
  /** `wait` holds callers back, `reject` fails with TRANSPORT_FULL. Default `wait`. */
  readonly whenFull?: "wait" | "reject" | undefined;
}

/** Everything a service decides about its messaging; `source` and `broker` are all it must. */
export interface MessagingOptions<
  L extends TransportLoaders,
  K extends keyof L & string,
  C extends Capabilities,
  R extends CapabilityName,
  // eslint-disable-next-line typescript/no-explicit-any -- any store: its transaction is inferred from `S`
  S extends Store<any> | undefined,
> {
  /** CloudEvents `source` of what this service sends: a URI-reference such as `/services/orders`. */
  readonly source: string;
  readonly broker: Broker<L, K, C>;
  /** Outbox, inbox and units of work on the user's database. Not closed by the messaging. */
  readonly store?: S;
  /** Capabilities that the code relies on and the compiler cannot see: checked at the start. */
  readonly requires?: readonly Requirable<C, R>[] | undefined;
  readonly publish?: PublishSettings | undefined;
  /** The relay in this process: its options, or `false` where another process relays. Default on where there is a store. */
  readonly relay?: RelayOptions | false | undefined;
  /** CloudEvents content mode of what is sent; both are always read. Default `binary`. */
  readonly contentMode?: "binary" | "structured" | undefined;
  readonly telemetry?: TelemetryOptions | undefined;
  /** Default: warnings and errors on the console. */
  readonly logger?: Logger | undefined;
  /** How long the start tries to reach broker and database again, in milliseconds. Default 0: the first failure ends it. */
  readonly startRetryMs?: number | undefined;
  /** For tests. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** The options that need no types any more, with every default filled in. */
export interface ResolvedMessaging {
  readonly deadlineMs: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly whenFull: "wait" | "reject";
  readonly contentMode: "binary" | "structured";
  readonly startRetryMs: number;
}

/** The options once their types have done their work. */
export type LooseOptions = MessagingOptions<
  TransportLoaders,
  string,
  Capabilities,
  never,
  Store<unknown> | undefined
>;

/** Throws one OptionsError with all problems; `source` is checked by the sealer with the rules of CloudEvents. */
export function resolveMessagingOptions(options: LooseOptions): ResolvedMessaging {
  // From plain JavaScript anything may come.
  if (typeof options !== "object" || options === null)
    throw new OptionsError("createMessaging", ["options: must be an object with 'source' and 'broker'"]);
  const publish = options.publish ?? {};
  const resolved: ResolvedMessaging = {
    deadlineMs: publish.deadlineMs ?? 30_000,
    maxMessages: publish.maxMessagesInFlight ?? 1_000,
    maxBytes: publish.maxBytesInFlight ?? 16 * 1_024 * 1_024,
    whenFull: publish.whenFull ?? "wait",
    contentMode: options.contentMode ?? "binary",
    startRetryMs: options.startRetryMs ?? 0,
  };
  const problems = [
    ...check(
      typeof options.source === "string" && options.source !== "",
      "source: must be a URI-reference such as '/services/orders'",
    ),
    ...check(options.broker !== undefined && options.broker !== null, "broker: is missing"),
    ...check(
      options.store === undefined || isStore(options.store),
      "store: must be a store such as postgres({ pool })",
    ),
    ...check(positive(resolved.deadlineMs), "publish.deadlineMs: must be more than 0 milliseconds"),
    ...check(
      Number.isInteger(resolved.maxMessages) && resolved.maxMessages > 0,
      "publish.maxMessagesInFlight: must be a whole number from 1",
    ),
    ...check(positive(resolved.maxBytes), "publish.maxBytesInFlight: must be 1 or more bytes"),
    ...check(["wait", "reject"].includes(resolved.whenFull), "publish.whenFull: must be 'wait' or 'reject'"),
    ...check(
      ["binary", "structured"].includes(resolved.contentMode),
      "contentMode: must be 'binary' or 'structured'",
    ),
    ...check(
      resolved.startRetryMs >= 0 && Number.isFinite(resolved.startRetryMs),
      "startRetryMs: must be 0 or more milliseconds",
    ),
    ...problemsOfTelemetry(options.telemetry ?? {}),
  ];
  if (problems.length > 0) throw new OptionsError("createMessaging", problems);
  return resolved;
}

function problemsOfTelemetry({ baggage = [], consumerSpanRelation = "parent" }: TelemetryOptions): string[] {
  return [
    ...check(
      Array.isArray(baggage) && baggage.every((name) => typeof name === "string"),
      "telemetry.baggage: must be an array of names",
    ),
    ...check(
      ["parent", "link"].includes(consumerSpanRelation),
      "telemetry.consumerSpanRelation: must be 'parent' or 'link'",
    ),
  ];
}

function isStore(store: unknown): boolean {
  return (
    typeof store === "object" &&
    store !== null &&
    "outbox" in store &&
    "inbox" in store &&
    "relay" in store &&
    "transaction" in store
  );
}

function positive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

function check(holds: boolean, said: string): string[] {
  return holds ? [] : [said];
}
