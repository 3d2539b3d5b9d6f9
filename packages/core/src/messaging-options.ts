import type { Broker, Requirable, TransportLoaders } from "./broker/broker-options.ts";
import type { Capabilities, CapabilityName } from "./contracts/capabilities.ts";
import type { Clock } from "./contracts/clock.ts";
import type { Logger } from "./contracts/logger.ts";
import type { Store, TxOf } from "./contracts/store.ts";
import { problemsOfBroker } from "./broker/problems-of-broker.ts";
import { problemOfAttribute } from "./envelope/attributes.ts";
import { OptionsError } from "./errors.ts";
import { hintOf, isOptions, problemsOfNames, problemsThrown, type OptionNames } from "./options/names.ts";
import { problemsOfParts } from "./options/parts.ts";
import { resolveRelayOptions, type RelayOptions, type ResolvedRelayOptions } from "./relay/options.ts";
import type { TelemetryOptions } from "./telemetry/telemetry.ts";
import {
  plainUnits,
  resolveUnitDefaults,
  type UnitOfWorkDefaults,
  type UnitSettings,
} from "./work/unit-options.ts";

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
  /**
   * A transport such as `rabbitmq({ … })`, or a broker by its URL or kind with the loaders of transports. Closed by the
   * messaging: until then no other messaging takes the same transport.
   */
  readonly broker: Broker<L, K, C>;
  /** Outbox, inbox and units of work on the user's database. Not closed by the messaging. */
  readonly store?: S;
  /** Capabilities that the code relies on and the compiler cannot see: checked at the start. */
  readonly requires?: readonly Requirable<C, R>[] | undefined;
  /** How events leave by the direct way: deadline and bounds. Each has a default. */
  readonly publish?: PublishSettings | undefined;
  /** The relay in this process: its options, or `false` where another process relays. Default on where there is a store. */
  readonly relay?: RelayOptions | false | undefined;
  /** What handles domain events in units of work and in consumers' handlers, and how. Default: nobody. */
  readonly unitOfWork?: UnitOfWorkDefaults<TxOf<S>> | undefined;
  /** CloudEvents content mode of what is sent; both are always read. Default `binary`. */
  readonly contentMode?: "binary" | "structured" | undefined;
  /**
   * What travels in traces, and how traces join. Default: no baggage, and handlers continue the message's
   * trace.
   */
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
  /** Undefined where this process does not relay. */
  readonly relay: ResolvedRelayOptions | undefined;
  readonly units: UnitSettings;
}

/** The options once their types have done their work. */
export type LooseOptions = MessagingOptions<
  TransportLoaders,
  string,
  Capabilities,
  never,
  Store<unknown> | undefined
>;

/** Every default filled in. Throws one OptionsError with all problems, those of the groups among them. */
export function resolveMessagingOptions(options: LooseOptions): ResolvedMessaging {
  // From plain JavaScript anything may come.
  if (!isOptions(options))
    throw new OptionsError("createMessaging", ["options: must be an object with 'source' and 'broker'"]);
  const { contentMode = "binary", startRetryMs = 0 } = options;
  const publish: PublishSettings = isOptions(options.publish) ? options.publish : {};
  const problems = [
    ...problemsOfNames(options, names),
    ...problemsOfSource(options.source),
    ...problemsOfBroker(options.broker),
    ...check(
      options.store === undefined || isStore(options.store),
      "store: must be a store such as postgres({ pool })",
    ),
    ...problemsOfRequires(options.requires),
    ...problemsOfGroup("publish", options.publish, publishNames),
    ...problemsOfPublish(publish),
    ...check(["binary", "structured"].includes(contentMode), "contentMode: must be 'binary' or 'structured'"),
    ...check(
      Number.isFinite(startRetryMs) && startRetryMs >= 0,
      "startRetryMs: must be 0 or more milliseconds",
    ),
    ...problemsOfGroup("telemetry", options.telemetry, telemetryNames),
    ...problemsOfTelemetry(isOptions(options.telemetry) ? options.telemetry : {}),
    ...problemsOfParts(options),
    ...problemsOfRelay(options, contentMode),
    ...problemsThrown("unitOfWork.", () => unitsOf(options)),
  ];
  if (problems.length > 0) throw new OptionsError("createMessaging", problems);
  return {
    deadlineMs: publish.deadlineMs ?? 30_000,
    maxMessages: publish.maxMessagesInFlight ?? 1_000,
    maxBytes: publish.maxBytesInFlight ?? 16 * 1_024 * 1_024,
    whenFull: publish.whenFull ?? "wait",
    contentMode,
    startRetryMs,
    relay: options.store === undefined ? undefined : relayOptionsOf(options, contentMode),
    units: unitsOf(options),
  };
}

const names: OptionNames<LooseOptions> = {
  source: true,
  broker: true,
  store: true,
  requires: true,
  publish: true,
  relay: true,
  contentMode: true,
  telemetry: true,
  logger: true,
  startRetryMs: true,
  clock: true,
  unitOfWork: true,
};
const publishNames: OptionNames<PublishSettings> = {
  deadlineMs: true,
  maxMessagesInFlight: true,
  maxBytesInFlight: true,
  whenFull: true,
};
const telemetryNames: OptionNames<TelemetryOptions> = { baggage: true, consumerSpanRelation: true };

function unitsOf({ unitOfWork, store }: LooseOptions): UnitSettings {
  if (unitOfWork === undefined) return plainUnits;
  return resolveUnitDefaults(unitOfWork, store?.journal !== undefined);
}

const capabilityNames: Readonly<Record<CapabilityName, true>> = {
  orderingScope: true,
  nativeDelay: true,
  nativeDeadLetter: true,
  deliveryCount: true,
  leaseExtension: true,
  nativeDedupeWindowMs: true,
  wildcards: true,
  fanOut: true,
  replay: true,
  maxMessageBytes: true,
  orderedPipelining: true,
  requestReply: true,
};

/** Its own mode of content goes before the messaging's. */
function relayOptionsOf(
  { relay }: LooseOptions,
  contentMode: "binary" | "structured",
): ResolvedRelayOptions | undefined {
  if (relay === false) return undefined;
  const resolved = resolveRelayOptions(relay);
  return relay?.contentMode === undefined ? { ...resolved, contentMode } : resolved;
}

function problemsOfRelay(options: LooseOptions, contentMode: "binary" | "structured"): readonly string[] {
  const { relay } = options;
  if (relay !== undefined && relay !== false && !isOptions(relay))
    return ["relay: must be an object, or false for no relay in this process"];
  return problemsThrown("relay.", () => relayOptionsOf(options, contentMode));
}

function problemsOfSource(source: unknown): string[] {
  if (typeof source !== "string" || source === "")
    return ["source: must be a URI-reference such as '/services/orders'"];
  const problem = problemOfAttribute("source", source);
  return problem === undefined ? [] : [problem];
}

function problemsOfRequires(requires: unknown): string[] {
  if (requires === undefined) return [];
  if (!Array.isArray(requires) || !requires.every((one) => typeof one === "string"))
    return ["requires: must be an array of names of capabilities"];
  return requires.flatMap((one) =>
    Object.hasOwn(capabilityNames, one)
      ? []
      : [`requires: '${one.slice(0, 100)}' is no capability${hintOf(one, Object.keys(capabilityNames))}`],
  );
}

function problemsOfGroup(name: string, group: unknown, known: Readonly<Record<string, true>>): string[] {
  if (group === undefined) return [];
  return isOptions(group) ? problemsOfNames(group, known, `${name}.`) : [`${name}: must be an object`];
}

function problemsOfPublish(publish: PublishSettings): string[] {
  const { deadlineMs = 1, maxMessagesInFlight = 1, maxBytesInFlight = 1, whenFull = "wait" } = publish;
  return [
    ...check(isPositive(deadlineMs), "publish.deadlineMs: must be more than 0 milliseconds"),
    ...check(
      Number.isInteger(maxMessagesInFlight) && maxMessagesInFlight > 0,
      "publish.maxMessagesInFlight: must be a whole number from 1",
    ),
    ...check(isPositive(maxBytesInFlight), "publish.maxBytesInFlight: must be 1 or more bytes"),
    ...check(["wait", "reject"].includes(whenFull), "publish.whenFull: must be 'wait' or 'reject'"),
  ];
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

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function check(holds: boolean, said: string): string[] {
  return holds ? [] : [said];
}
