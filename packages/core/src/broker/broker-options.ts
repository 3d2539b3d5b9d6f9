import type { Capabilities, CapabilityName } from "../contracts/capabilities.ts";
import type { Transport, TransportDriver } from "../contracts/transport.ts";

// `never` for the options: a driver takes its own options only, and a loader of any driver must fit here.
/** Loads a transport package: `() => import("@postrider/rabbitmq")`. */
export type TransportLoader = () => Promise<{ readonly transport: TransportDriver }>;
/** By kind: `{ rabbitmq: () => import("@postrider/rabbitmq"), kafka: … }`. Given by the application: no registry. */
export type TransportLoaders = Readonly<Record<string, TransportLoader>>;

type DriverOf<L extends TransportLoader> = Awaited<ReturnType<L>>["transport"];
/** The options of the driver that a loader loads. */
export type OptionsOf<L extends TransportLoader> =
  DriverOf<L> extends TransportDriver<infer Options> ? Options : never;
/** The capabilities of the transport that a loader loads, as far as they are known before it connects. */
export type CapabilitiesOf<L extends TransportLoader> = DriverOf<L>["capabilities"];

/** A broker by its URL; the scheme picks the loader. Option blocks of brokers that are not in use are allowed. */
export type BrokerByUrl<L extends TransportLoaders> = {
  /** From the environment as a rule: an unset variable fails at the start, and says so. */
  readonly url: string | undefined;
  readonly transports: L & Filled<L>;
} & OptionBlocks<L>;

/** At least one loader: without any, no URL leads anywhere. */
export type Filled<L extends TransportLoaders> = [keyof L] extends [never]
  ? 'transports needs a loader, as in { rabbitmq: () => import("@postrider/rabbitmq") }'
  : unknown;

/** A block per loader that is known by name; a map with any name has none, or it would claim `url` too. */
export type OptionBlocks<L extends TransportLoaders> = string extends keyof L
  ? unknown
  : { readonly [K in keyof L & string]?: OptionsOf<L[K]> | undefined };

/** A broker by its kind, as data. */
export interface BrokerByKind<L extends TransportLoaders, K extends keyof L & string> {
  /** Picks the loader. */
  readonly kind: K;
  /** Handed to the driver, which checks them. */
  readonly options: OptionsOf<L[K]>;
  /** Loaders by kind; only that of `kind` is called. */
  readonly transports: L;
}

/** Types an application's own configuration: a union told apart by `kind`. */
export type BrokerConfig<L extends TransportLoaders> = {
  [K in keyof L & string]: { readonly kind: K; readonly options: OptionsOf<L[K]> };
}[keyof L & string];

/** What is known before the start: of several transports that may run, only what they share is certain. */
export type Known<L extends TransportLoaders, K extends keyof L & string> = [K] extends [never]
  ? Capabilities
  : CapabilitiesOf<L[K]>;

/** What a capability is when it is absent. */
export type Absent = false | "none" | 0;

/** A capability in `requires`: refused here when it is known to be missing, otherwise checked at the start. */
export type Requirable<C extends Capabilities, R extends CapabilityName> = C[R] extends Absent
  ? `${C["transport"]} has no '${R}'`
  : R;

/** The ways to name a broker: a transport made by its own package, a URL, or a kind with its options. */
export type Broker<L extends TransportLoaders, K extends keyof L & string, C extends Capabilities> =
  | Transport<C>
  | BrokerByUrl<L>
  | BrokerByKind<L, K>;
