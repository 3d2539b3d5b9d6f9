// Import cycles, shortest first, each reported once.

/** @typedef {import("./modules.mjs").Module} Module */

/**
 * One cycle per group of files that import each other in a ring, as the list of its files in order.
 * @param {Module[]} modules
 * @returns {string[][]}
 */
export function importCycles(modules) {
  const edges = new Map(
    modules.map(({ path, imports }) => [
      path,
      imports.flatMap(({ target }) => (target.kind === "file" && target.exists ? [target.path] : [])),
    ]),
  );
  /** @type {Set<string>} */
  const reported = new Set();
  return [...edges.keys()].flatMap((start) => {
    if (reported.has(start)) return [];
    const cycle = shortestWayBack(start, edges);
    for (const path of cycle ?? []) reported.add(path);
    return cycle ? [cycle] : [];
  });
}

/**
 * @param {string} start
 * @param {Map<string, string[]>} edges
 */
function shortestWayBack(start, edges) {
  const ways = [[start]];
  const seen = new Set();
  for (const way of ways) {
    for (const next of edges.get(way.at(-1) ?? "") ?? []) {
      if (next === start) return way;
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}
