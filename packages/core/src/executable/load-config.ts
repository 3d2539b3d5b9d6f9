import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { toError } from "../errors.ts";
import { isOptions } from "../options/names.ts";
import { UsageError } from "./arguments.ts";

/** What the module exports as `config`: options of `createMessaging`, checked there, and an end. */
export interface RelayConfig {
  readonly options: Readonly<Record<string, unknown>>;
  /** Called when the relay has ended: for the pool. */
  readonly close: () => unknown;
}

/** @throws UsageError when there is no such module, or it exports something else. */
export async function loadConfig(path: string): Promise<RelayConfig> {
  const found: unknown = await import(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
    throw new UsageError(`${path} could not be loaded: ${toError(error).message}`, { cause: error });
  });
  const config: unknown = isOptions(found) && "config" in found ? found.config : undefined;
  if (typeof config !== "object" || config === null)
    throw new UsageError(`${path} must export 'config', an object with 'broker' and 'store'.`);
  const { close = () => undefined, ...options } = config as Readonly<Record<string, unknown>>;
  if (!isFunction(close)) throw new UsageError(`${path}: config.close must be a function.`);
  if (options["store"] === undefined) throw new UsageError(`${path}: config.store is missing.`);
  if (options["relay"] === false)
    throw new UsageError(`${path}: config.relay is false, and relaying is all there is.`);
  return { options: { source: "/postrider-relay", ...options }, close };
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === "function";
}
