import { OptionsError } from "@postrider/core";

/** The size of a row's data, as it can be told without fetching it. */
export function sizeOf(alias: string): string {
  return `coalesce(octet_length(${alias}.payload), 0) + pg_column_size(${alias}.attributes)`;
}

/** A bound as it stands in a statement: digits and nothing else. */
export function whole(bound: number): string {
  if (Number.isSafeInteger(bound) && bound > 0) return String(bound);
  throw new OptionsError("The bounds of a page", ["maxRows and maxBytes: must be whole numbers from 1"]);
}
