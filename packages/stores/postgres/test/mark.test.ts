import { describe, expect, test } from "vitest";
import { createMark } from "../src/outbox/mark.ts";
import { fakeClock } from "./support/clock.ts";

const never = 86_400_000;

describe("the mark below which nothing appears any more", () => {
  test("stands at 0 until a snapshot shows that all transactions of the time have ended", () => {
    const mark = createMark(fakeClock(), never);
    mark.seen({ last: 10n, horizon: 100n, first: 1n });
    mark.drew(mark.look(), 105n);
    mark.seen({ last: 12n, horizon: 104n, first: undefined });
    expect(mark.begin().after).toBe(0n);
    mark.seen({ last: 14n, horizon: 105n, first: undefined });
    expect(mark.begin().after).toBe(10n);
  });

  test("with an id that is too low it passes a transaction that is still open: what a wrong id does", () => {
    const mark = createMark(fakeClock(), never);
    // Number 2 was drawn by transaction 104, which is open; the latest that has ended is 103.
    mark.seen({ last: 2n, horizon: 104n, first: 1n });
    const upperEndOfSnapshot = 104n;
    mark.drew(mark.look(), upperEndOfSnapshot);
    mark.seen({ last: 2n, horizon: 104n, first: undefined });
    expect(mark.begin().after).toBe(2n);
  });

  test("never passes a row that is still there", () => {
    const mark = createMark(fakeClock(), never);
    mark.seen({ last: 10n, horizon: 100n, first: 4n });
    mark.drew(mark.look(), 105n);
    mark.seen({ last: 10n, horizon: 200n, first: 4n });
    expect(mark.begin().after).toBe(3n);
  });

  test("goes by what was known before the id was drawn, not by a read that came meanwhile", () => {
    const mark = createMark(fakeClock(), never);
    mark.seen({ last: 10n, horizon: 100n, first: 1n });
    const before = mark.look();
    mark.seen({ last: 20n, horizon: 100n, first: 1n });
    mark.drew(before, 105n);
    mark.seen({ last: 20n, horizon: 105n, first: undefined });
    expect(mark.begin().after).toBe(10n);
  });

  test("gets on in a steady stream, and up to the end when the stream ends", () => {
    const mark = createMark(fakeClock(), never);
    for (let turn = 1n; turn <= 5n; turn += 1n) {
      mark.seen({ last: turn * 10n, horizon: turn * 100n, first: undefined });
      mark.drew(mark.look(), turn * 100n + 150n);
    }
    expect(mark.begin().after).toBeGreaterThanOrEqual(10n);
    mark.seen({ last: 50n, horizon: 10_000n, first: undefined });
    mark.seen({ last: 50n, horizon: 10_000n, first: undefined });
    expect(mark.begin().after).toBe(50n);
  });

  test("a full read is asked for once in its time, and only once", () => {
    const clock = fakeClock();
    const mark = createMark(clock, 60_000);
    mark.seen({ last: 10n, horizon: 100n, first: undefined });
    mark.drew(mark.look(), 100n);
    mark.seen({ last: 10n, horizon: 100n, first: undefined });
    expect(mark.begin().after).toBe(10n);
    clock.advance(59_999);
    expect(mark.begin().after).toBe(10n);
    clock.advance(1);
    expect(mark.begin().after).toBe(0n);
    expect(mark.begin().after).toBe(10n);
  });

  test("goes back behind a row that a full read found below it", () => {
    const mark = createMark(fakeClock(), never);
    mark.seen({ last: 10n, horizon: 100n, first: undefined });
    mark.drew(mark.look(), 100n);
    mark.seen({ last: 10n, horizon: 100n, first: undefined });
    mark.seen({ last: 10n, horizon: 100n, first: 3n });
    expect(mark.begin().after).toBe(2n);
  });

  test("numbers that were set back make it begin anew, and ask for another read", () => {
    const mark = createMark(fakeClock(), never);
    mark.seen({ last: 10n, horizon: 100n, first: undefined });
    mark.drew(mark.look(), 100n);
    expect(mark.seen({ last: 10n, horizon: 100n, first: undefined })).toBe(true);
    expect(mark.seen({ last: 3n, horizon: 100n, first: undefined })).toBe(false);
    expect([mark.begin().after, mark.look()]).toEqual([0n, undefined]);
  });

  describe("with a long transaction elsewhere, which keeps the horizon where it is", () => {
    const behind = 5_000n;
    const writers = (...names: string[]) => ({ ids: new Set(names), prepared: false });
    const stuck = () => {
      const clock = fakeClock();
      const mark = createMark(clock, never);
      mark.seen({ last: behind, horizon: 100n, first: undefined });
      return { clock, mark };
    };
    const see = (mark: ReturnType<typeof createMark>, last: bigint, found: ReturnType<typeof writers>) =>
      mark.seen({ last, horizon: 100n, first: undefined, writers: found });

    test("it asks who writes to this outbox, at times, and only when it is far behind", () => {
      const { clock, mark } = stuck();
      expect(mark.begin().writers).toBe("asked");
      expect(mark.begin().writers).toBe("not asked");
      clock.advance(1_000);
      expect(mark.begin().writers).toBe("asked");
      see(mark, behind, writers());
      clock.advance(1_000);
      expect(mark.begin()).toEqual({ after: behind, writers: "not asked" });
    });

    test("it moves once those who wrote at the time have ended, although others write now", () => {
      const { mark } = stuck();
      see(mark, behind, writers("3/1", "4/1"));
      expect(mark.begin().after).toBe(0n);
      see(mark, 6_000n, writers("4/1", "5/1"));
      expect(mark.begin().after).toBe(0n);
      see(mark, 7_000n, writers("5/1"));
      expect(mark.begin().after).toBe(behind);
      see(mark, 9_000n, writers("5/2"));
      expect(mark.begin().after).toBe(7_000n);
    });

    test("it waits for a prepared transaction, which may be any of them", () => {
      const { mark } = stuck();
      see(mark, behind, writers("3/1"));
      see(mark, 6_000n, { ids: new Set(["-1/731"]), prepared: true });
      expect(mark.begin().after).toBe(0n);
      see(mark, 6_000n, writers());
      expect(mark.begin().after).toBe(6_000n);
    });
  });
});
