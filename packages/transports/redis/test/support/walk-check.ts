/** What a log of ordered work shows. Each walker takes steps 1, 2, 3 …; a line is `member begin|end walker step`. */
export interface WalkFindings {
  /** Steps that were never ended. */
  readonly lost: readonly string[];
  /** A step begun before the one in front of it had ever ended. */
  readonly overtaken: readonly string[];
  /** A step begun while a step of the same walker was under way in a member that lives. */
  readonly overlapping: readonly string[];
  readonly duplicates: number;
}

/** `killed`: what a member had begun when it died is not under way any more. */
export function checkWalks(
  lines: readonly string[],
  expected: ReadonlyMap<string, number>,
  killed: ReadonlySet<string>,
): WalkFindings {
  const ended = new Map<string, number>();
  const underway = new Map<string, { readonly member: string; readonly step: number }>();
  const seen = new Set<string>();
  const overtaken: string[] = [];
  const overlapping: string[] = [];
  let duplicates = 0;
  for (const line of lines) {
    const [member = "", word, walker = "", text] = line.split(" ");
    const step = Number(text);
    const last = ended.get(walker) ?? 0;
    if (word === "end") {
      ended.set(walker, Math.max(last, step));
      if (underway.get(walker)?.member === member) underway.delete(walker);
      continue;
    }
    if (step > last + 1) overtaken.push(line);
    const other = underway.get(walker);
    if (other !== undefined && !killed.has(other.member)) overlapping.push(line);
    if (seen.has(`${walker} ${step}`)) duplicates += 1;
    seen.add(`${walker} ${step}`);
    underway.set(walker, { member, step });
  }
  const lost = [...expected].flatMap(([walker, steps]) =>
    (ended.get(walker) ?? 0) < steps ? [`${walker}: ${ended.get(walker) ?? 0} of ${steps}`] : [],
  );
  return { lost, overtaken, overlapping, duplicates };
}
