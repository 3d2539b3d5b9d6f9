import type { Clock } from "../contracts/clock.ts";
import type { Transport, TransportDriver } from "../contracts/transport.ts";
import { MessagingError, toError } from "../errors.ts";
import type { TransportLoader } from "./broker-options.ts";
import { kindOfUrl, schemesOf } from "./schemes.ts";

interface ByConfig {
  readonly transports: Readonly<Record<string, TransportLoader>>;
  readonly url?: string | undefined;
  readonly kind?: string;
  readonly options?: unknown;
}

/**
 * The transport that a broker option names, made but not connected.
 *
 * @throws MessagingError CONFIG_INVALID, CONFIG_TRANSPORT_UNKNOWN, CONFIG_TRANSPORT_NOT_INSTALLED.
 */
export async function openTransport(broker: unknown, clock: Clock): Promise<Transport> {
  if (isTransport(broker)) return broker;
  if (!isByConfig(broker)) {
    throw new MessagingError(
      "CONFIG_INVALID",
      "broker: takes a transport such as rabbitmq({ … }), or { url, transports }, or { kind, options, transports }.",
    );
  }
  const kind = kindOf(broker);
  const driver = await load(kind, broker.transports);
  const options =
    broker.kind === undefined ? (broker as unknown as Record<string, unknown>)[kind] : broker.options;
  // The driver checks its own options: here they are whatever the application's configuration holds.
  return driver.create({ url: broker.url, options: options as never, clock });
}

function kindOf(broker: ByConfig): string {
  if (broker.kind !== undefined) return broker.kind;
  if (broker.url === undefined || broker.url === "") {
    throw new MessagingError(
      "CONFIG_INVALID",
      "broker.url: is not set. Is the environment variable it comes from defined?",
    );
  }
  const kind = kindOfUrl(broker.url);
  if (kind !== undefined) return kind;
  const schemes = schemesOf(Object.keys(broker.transports)).join(", ");
  throw new MessagingError(
    "CONFIG_INVALID",
    `broker.url: must begin with a scheme${schemes === "" ? "" : ` (${schemes})`}.`,
  );
}

async function load(
  kind: string,
  loaders: Readonly<Record<string, TransportLoader>>,
): Promise<TransportDriver> {
  const loader = Object.hasOwn(loaders, kind) ? loaders[kind] : undefined;
  if (typeof loader !== "function") {
    const known = Object.keys(loaders).join(", ");
    throw new MessagingError(
      "CONFIG_TRANSPORT_UNKNOWN",
      `No loader is given for '${kind}'; transports has: ${known === "" ? "none" : known}. Add ${kind}: () => import("@postrider/${kind}").`,
      { context: { kind } },
    );
  }
  let module: Awaited<ReturnType<TransportLoader>>;
  try {
    module = await loader();
  } catch (cause) {
    throw new MessagingError(
      "CONFIG_TRANSPORT_NOT_INSTALLED",
      `The transport '${kind}' could not be loaded (${toError(cause).message}). Is its package installed?`,
      { cause, context: { kind } },
    );
  }
  if (typeof module?.transport?.create === "function") return module.transport;
  throw new MessagingError(
    "CONFIG_TRANSPORT_UNKNOWN",
    `What was loaded for '${kind}' exports no 'transport' driver.`,
    { context: { kind } },
  );
}

function isTransport(broker: unknown): broker is Transport {
  return (
    typeof broker === "object" &&
    broker !== null &&
    "publisher" in broker &&
    "consumer" in broker &&
    "connect" in broker
  );
}

function isByConfig(broker: unknown): broker is ByConfig {
  return (
    typeof broker === "object" &&
    broker !== null &&
    "transports" in broker &&
    typeof broker.transports === "object" &&
    broker.transports !== null
  );
}
