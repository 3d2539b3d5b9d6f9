/*
 * In which order events were recorded, over all aggregates: aggregates do not know of each other, nor of the unit of
 * work that will collect from them, so each event takes a number when it is recorded. The one counter stands where every
 * copy of this package finds it. It only grows, and nobody reads it but to draw: two units cannot disturb each other by
 * it. The numbers travel on the array that `takeRecorded` gives, unseen.
 */

const counterKey: unique symbol = Symbol.for("@postrider/core/domain/recorded");
const placesKey: unique symbol = Symbol.for("@postrider/core/domain/places");

/** The next place in the order. */
export function nextPlace(): number {
  const shared = globalThis as { [counterKey]?: { last: number } };
  const counter = (shared[counterKey] ??= { last: 0 });
  return (counter.last += 1);
}

/** The array, with the place of each of its items. */
export function withPlaces<T extends object>(items: T, places: readonly number[]): T {
  return Object.defineProperty(items, placesKey, { value: places });
}

/** Of an array that `withPlaces` made; undefined for any other. */
export function placesOf(items: object): readonly number[] | undefined {
  return (items as { readonly [placesKey]?: readonly number[] })[placesKey];
}
