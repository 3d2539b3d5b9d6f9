/** The name that somebody meant who wrote this one; undefined when none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > longestName) return undefined;
  const written = name.toLowerCase();
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const one of names) {
    const known = one.toLowerCase();
    // `timeout` for `timeoutMs` is near, whatever the length of the rest.
    const begins = written.length > 3 && (known.startsWith(written) || written.startsWith(known));
    const distance = Math.min(editDistance(written, known), begins ? 1 : Number.POSITIVE_INFINITY);
    if (distance <= one.length / 3 && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { name: one, distance };
  }
  return best?.name;
}

const longestName = 100;

/** How many letters must be put in, taken out, changed or swapped with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (line: number, column: number) => rows[line]?.[column] ?? 0;
  for (let line = 1; line <= from.length; line += 1) {
    const row = [line];
    rows.push(row);
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[line - 1] === to[column - 1];
      const swapped = !same && from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1];
      const steps = [
        at(line - 1, column) + 1,
        at(line, column - 1) + 1,
        at(line - 1, column - 1) + (same ? 0 : 1),
      ];
      row.push(Math.min(...steps, swapped ? at(line - 2, column - 2) + 1 : Number.POSITIVE_INFINITY));
    }
  }
  return at(from.length, to.length);
}
