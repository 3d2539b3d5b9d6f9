import type { Clock } from "../contracts/clock.ts";
import type { Transport, TransportDriver } from "../contracts/transport.ts";
import { MessagingError, toError } from "../errors.ts";
import type { TransportLoader } from "./broker-options.ts";
import { isTransport, type ByConfig } from "./problems-of-broker.ts";
import { nearest } from "../options/nearest.ts";
import { isOurKind, kindOfUrl, ourNames } from "./schemes.ts";

/**
 * The transport that a broker option names, made but not connected. What the option looks like was checked before.
 *
 * @throws MessagingError CONFIG_INVALID from the driver, CONFIG_TRANSPORT_UNKNOWN, CONFIG_TRANSPORT_NOT_INSTALLED.
 */
export async function openTransport(broker: Transport | ByConfig, clock: Clock): Promise<Transport> {
  if (isTransport(broker)) return broker;
  const kind = broker.kind ?? kindOfUrl(broker.url ?? "") ?? "";
  const driver = await load(kind, broker.transports);
  const options =
    broker.kind === undefined ? (broker as unknown as Record<string, unknown>)[kind] : broker.options;
  // The driver checks its own options: here they are whatever the application's configuration holds.
  return driver.create({ url: broker.url, options: options as never, clock });
}

async function load(
  kind: string,
  loaders: Readonly<Record<string, TransportLoader>>,
): Promise<TransportDriver> {
  const loader = Object.hasOwn(loaders, kind) ? loaders[kind] : undefined;
  if (typeof loader !== "function") {
    const given = Object.keys(loaders);
    const known = given.length === 0 ? "none" : given.join(", ");
    throw new MessagingError(
      "CONFIG_TRANSPORT_UNKNOWN",
      `No loader is given for '${kind}'; transports has: ${known}. ${adviceFor(kind, given)}`,
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

/** Of packages that exist only. */
function adviceFor(kind: string, given: readonly string[]): string {
  if (kind === "memory") return "Add memory: async () => ({ transport: memoryTransport }), or pass memory().";
  if (isOurKind(kind)) return `Add ${kind}: () => import("@postrider/${kind}").`;
  const meant = nearest(kind, given) ?? nearest(kind, ourNames());
  return meant === undefined
    ? `It is no scheme or kind of ours: a transport of your own is given by its kind, or as it is.`
    : `Did you mean '${meant}'?`;
}
