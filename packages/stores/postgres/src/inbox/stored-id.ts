import { createHash } from "node:crypto";

/** Longer ids would make rows of an index that PostgreSQL refuses past 2,700 bytes. */
const longest = 200;

/**
 * The id as it is stored: itself, or its hash past 200 characters. Message ids are `source#id`, and the hash has no
 * `#`, so no message can take the place of another.
 */
export function storedId(messageId: string): string {
  return messageId.length <= longest
    ? messageId
    : `sha256:${createHash("sha256").update(messageId).digest("hex")}`;
}
