import { describe, expect, test } from "vitest";
import { createWake } from "../src/outbox/wake.ts";
import { fakeClock } from "./support/clock.ts";

function listened() {
  const clock = fakeClock();
  const wake = createWake(clock);
  const atMs: number[] = [];
  const end = wake.onSignal(() => atMs.push(clock.now()));
  return { clock, wake, atMs, end };
}

describe("hints that there may be rows", () => {
  test("a transaction of the user is guessed at after 1, 3, 10 and 30 ms", () => {
    const { clock, wake, atMs } = listened();
    wake.soon();
    clock.advance(1_000);
    expect(atMs).toEqual([1, 3, 10, 30]);
  });

  test("many transactions at once share their guesses, and the last one has all of its own", () => {
    const { clock, wake, atMs } = listened();
    for (let n = 0; n < 1_000; n += 1) wake.soon();
    clock.advance(2);
    for (let n = 0; n < 1_000; n += 1) wake.soon();
    clock.advance(1_000);
    expect(atMs.length).toBeLessThanOrEqual(10);
    for (const delayMs of [1, 3, 10, 30]) expect(atMs.some((at) => at >= 2 + delayMs)).toBe(true);
  });

  test("nobody listens, so nothing is scheduled", () => {
    const { clock, wake, atMs, end } = listened();
    end();
    wake.soon();
    clock.advance(1_000);
    expect(atMs).toEqual([]);
  });

  test("a listener that throws stops neither the caller nor the others", () => {
    const { wake, atMs } = listened();
    wake.onSignal(() => {
      throw new Error("bad listener");
    });
    const second: number[] = [];
    wake.onSignal(() => second.push(1));
    wake.signal();
    expect([atMs.length, second.length]).toEqual([1, 1]);
  });

  test("one listener given twice is told twice, and taken away one at a time", () => {
    const wake = createWake(fakeClock());
    let told = 0;
    const listener = () => (told += 1);
    const end = wake.onSignal(listener);
    wake.onSignal(listener);
    wake.signal();
    end();
    end();
    wake.signal();
    expect(told).toBe(3);
  });

  test("after close nobody is told any more", () => {
    const { clock, wake, atMs } = listened();
    wake.soon();
    wake.close();
    wake.signal();
    clock.advance(1_000);
    expect(atMs).toEqual([]);
  });
});
