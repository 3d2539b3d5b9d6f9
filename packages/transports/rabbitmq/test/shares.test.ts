import { describe, expect, test } from "vitest";
import { ownersOf } from "../src/amqp/shares.ts";

const membersOf = (count: number) => Array.from({ length: count }, (_, index) => `member-${index}`);
const countsOf = (owners: readonly string[], members: readonly string[]) =>
  members.map((member) => owners.filter((owner) => owner === member).length);

describe("shares of the queues of an ordered group", () => {
  test.each([
    [8, 1],
    [8, 2],
    [8, 3],
    [8, 5],
    [8, 8],
    [16, 7],
    [1, 3],
    [8, 20],
  ])("%i queues over %i members are even to one, and each has an owner", (count, size) => {
    const members = membersOf(size);
    const counts = countsOf(ownersOf(count, members), members);
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(count);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test("do not depend on the order in which members are listed", () => {
    const members = membersOf(5);
    expect(ownersOf(8, members.toReversed())).toEqual(ownersOf(8, members));
  });

  test("mostly stay where they are when a member comes", () => {
    const before = ownersOf(16, membersOf(4));
    const after = ownersOf(16, membersOf(5));
    const moved = before.filter((owner, queue) => owner !== after[queue]).length;
    // Four have to move; dealing them out in turn would move twelve.
    expect(moved).toBeLessThanOrEqual(8);
  });
});
