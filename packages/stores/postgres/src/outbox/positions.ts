import { OptionsError } from "@postrider/core";

/** Positions as a literal of type `bigint[]`. They are written into SQL, so nothing but digits passes. */
export function positionList(positions: readonly string[]): string {
  const wrong = positions.find((position) => !/^\d{1,19}$/.test(position));
  if (wrong !== undefined)
    throw new OptionsError("positions", ["must be those of events that this store gave out"]);
  return `{${positions.join(",")}}`;
}
