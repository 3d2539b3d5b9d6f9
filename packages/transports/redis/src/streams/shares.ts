import { createHash } from "node:crypto";

/**
 * Which member has which of `count` queues, by index: the same for all that see the same members, as even as it goes, and
 * with few changes when one comes or goes. Each pair of queue and member has a rank by chance; the best pairs win, as
 * long as the member may have one more.
 */
export function ownersOf(count: number, members: readonly string[]): readonly string[] {
  const least = Math.floor(count / Math.max(1, members.length));
  // So many members have one more than the rest.
  let extras = count - least * members.length;
  const owned = new Map<string, number>(members.map((member) => [member, 0]));
  const owners: (string | undefined)[] = Array.from({ length: count });
  for (const { queue, member } of rankedPairs(count, members)) {
    const has = owned.get(member) ?? 0;
    if (owners[queue] !== undefined || has > least || (has === least && extras === 0)) continue;
    if (has === least) extras -= 1;
    owners[queue] = member;
    owned.set(member, has + 1);
  }
  return owners.map((owner) => owner ?? "");
}

function rankedPairs(count: number, members: readonly string[]) {
  const pairs = Array.from({ length: count }, (_, queue) =>
    members.map((member) => ({ queue, member, rank: rankOf(queue, member) })),
  ).flat();
  return pairs.sort((a, b) => (a.rank < b.rank ? -1 : 1));
}

function rankOf(queue: number, member: string): string {
  return createHash("sha256").update(`${queue} ${member}`).digest("hex");
}
