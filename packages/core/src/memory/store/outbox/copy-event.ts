import type { SealedEvent } from "../../../contracts/sealed-event.ts";

/** A copy, so that nobody outside can change what the store holds. */
export function copyEvent<E extends SealedEvent>(event: E): E {
  const payload = event.payload === undefined ? undefined : new Uint8Array(event.payload);
  return { ...event, extensions: { ...event.extensions }, payload };
}
