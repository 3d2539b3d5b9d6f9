import type { Transport } from "../contracts/transport.ts";
import { OptionsError } from "../errors.ts";

/** Stands on the transport, so that no module keeps a list, and two copies of this package see each other. */
const inUse: unique symbol = Symbol.for("@postrider/core/in-use");

/**
 * Takes a transport for one messaging, which will close it: a second messaging on it would lose its broker then. The
 * returned function gives it back, for the next.
 *
 * @throws OptionsError (CONFIG_INVALID) for one that is taken.
 */
export function claim(transport: Transport): () => void {
  if (Object.hasOwn(transport, inUse)) {
    throw new OptionsError("createMessaging", [
      "broker: this transport belongs to another messaging, which is not closed. Give each a transport of its own",
    ]);
  }
  // Not enumerable: a copy with a part changed is a transport of its own. One that is frozen is taken on trust.
  Reflect.defineProperty(transport, inUse, { value: true, configurable: true });
  return () => void Reflect.deleteProperty(transport, inUse);
}
