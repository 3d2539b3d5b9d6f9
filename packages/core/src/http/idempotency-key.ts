import { createHash } from "node:crypto";

/**
 * The same UUID for the same event and name, in every process and at every attempt: what an API that drops repeated
 * calls wants to be told. `name` tells several calls of one handler apart. Of a message it is made from source and id,
 * so it survives redelivery; a domain event gets a new id when its unit runs again, so call out from consumers.
 */
export function idempotencyKey(
  event: { readonly id: string; readonly source?: string | undefined },
  name = "",
): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([event.source ?? "", event.id, name]))
    .digest();
  // Version 8 and its variant: RFC 9562 leaves the rest of the bits to whoever makes it.
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
