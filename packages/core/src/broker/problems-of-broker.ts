import type { Transport } from "../contracts/transport.ts";
import { isOptions, problemsOfNames } from "../options/names.ts";
import type { TransportLoader } from "./broker-options.ts";
import { kindOfUrl, schemesOf } from "./schemes.ts";

/** A broker named by a URL or a kind, once its types have done their work. */
export interface ByConfig {
  readonly transports: Readonly<Record<string, TransportLoader>>;
  readonly url?: string | undefined;
  readonly kind?: string;
  readonly options?: unknown;
}

/** What is wrong with a broker option; empty for a good one. A driver checks its own options when it makes the transport. */
export function problemsOfBroker(broker: unknown): string[] {
  if (broker === undefined || broker === null) return ["broker: is missing"];
  if (isTransport(broker)) return [];
  if (!isByConfig(broker)) {
    return [
      "broker: takes a transport such as rabbitmq({ … }), or { url, transports }, or { kind, options, transports }",
    ];
  }
  return [...problemsOfNames(broker, namesOf(broker), "broker."), ...problemsOfChoice(broker)];
}

/** Beside a URL the options stand in blocks by kind, and blocks of brokers that are not in use may stand there. */
function namesOf({ kind, transports }: ByConfig): Readonly<Record<string, unknown>> {
  return kind === undefined
    ? { url: true, transports: true, ...transports }
    : { kind: true, options: true, transports: true };
}

function problemsOfChoice({ kind, url, transports }: ByConfig): string[] {
  if (kind !== undefined) {
    return typeof kind === "string" && kind !== "" ? [] : ["broker.kind: must be the name of a transport"];
  }
  if (url === undefined || url === "")
    return ["broker.url: is not set. Is the environment variable it comes from defined?"];
  if (typeof url !== "string") return ["broker.url: must be a string"];
  if (kindOfUrl(url) !== undefined) return [];
  const schemes = schemesOf(Object.keys(transports)).join(", ");
  return [`broker.url: must begin with a scheme${schemes === "" ? "" : ` (${schemes})`}`];
}

export function isTransport(broker: unknown): broker is Transport {
  return isOptions(broker) && "publisher" in broker && "consumer" in broker && "connect" in broker;
}

function isByConfig(broker: unknown): broker is ByConfig {
  return isOptions(broker) && "transports" in broker && isOptions(broker.transports);
}
