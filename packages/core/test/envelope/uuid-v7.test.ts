import { describe, expect, test } from "vitest";
import { createUuidV7 } from "../../src/envelope/uuid-v7.ts";
import { startMs, stoppedClock } from "./given.ts";

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

describe("UUIDv7", () => {
  test("has the version, the variant and the milliseconds of RFC 9562", () => {
    const id = createUuidV7(stoppedClock())();
    expect(id).toMatch(form);
    expect(timeOf(id)).toBe(startMs);
  });

  test("each id sorts after the one before within one millisecond", () => {
    const next = createUuidV7(stoppedClock());
    const ids = Array.from({ length: 50_000 }, next);
    expect(ids.every((id, at) => at === 0 || (ids[at - 1] ?? "") < id)).toBe(true);
    expect(ids.every((id) => form.test(id))).toBe(true);
  });

  test("each id sorts after the one before when the clock goes back, and follows it when it has caught up", () => {
    const clock = stoppedClock();
    const next = createUuidV7(clock);
    const before = next();
    clock.set(startMs - 3_600_000);
    const back = next();
    clock.set(startMs + 1);
    const ahead = next();
    expect([before, back, ahead]).toEqual([before, back, ahead].sort());
    expect(timeOf(back)).toBe(startMs);
    expect(timeOf(ahead)).toBe(startMs + 1);
  });

  test("two makers do not repeat each other at the same time", () => {
    const clock = stoppedClock();
    const makers = Array.from({ length: 20 }, () => createUuidV7(clock));
    const ids = makers.flatMap((next) => Array.from({ length: 500 }, next));
    expect(new Set(ids).size).toBe(10_000);
  });

  test("every random bit is used", () => {
    const clock = stoppedClock();
    const next = createUuidV7(clock);
    let ones = 0n;
    let zeros = 0n;
    for (let ms = 1; ms <= 2_000; ms++) {
      clock.set(startMs + ms);
      const bits = BigInt(`0x${next().slice(14).replaceAll("-", "")}`);
      ones |= bits;
      zeros |= ~bits;
    }
    const both = ones & zeros & ((1n << 80n) - 1n);
    const version = 0xfn << 76n;
    const variant = 0x3n << 62n;
    const counterRoom = 1n << 75n; // starts at 0, to count into
    expect(both).toBe(((1n << 80n) - 1n) & ~version & ~variant & ~counterRoom);
  });
});
