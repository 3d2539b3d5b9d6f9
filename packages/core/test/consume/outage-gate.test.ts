import { fakeClock } from "@postrider/core/testing";
import { expect, test } from "vitest";
import { createOutageGate } from "../../src/consume/settle/outage.ts";
import type { Work } from "../../src/consume/work.ts";
import { settled } from "./support/world.ts";

const gone = new Error("connection refused");

/** A gate whose waits are not jittered, and a work that waits at it so many times. */
function waiting() {
  const clock = fakeClock();
  const gate = createOutageGate(clock, () => 0.5, { began: () => {}, ended: () => {} });
  const work = {} as Work;
  /** How long the work waits until it may try again. */
  const waitMs = async (): Promise<number> => {
    const fromMs = clock.monotonicMs();
    let open = false;
    void gate.wait(work, gone).then(() => (open = true));
    await clock.runUntil(() => open);
    return clock.monotonicMs() - fromMs;
  };
  return { gate, waitMs };
}

test("the waits of one outage double up to ten seconds, and those of the next begin at a quarter of one again", async () => {
  const { gate, waitMs } = waiting();
  const first: number[] = [];
  for (let round = 0; round < 8; round += 1) first.push(await waitMs());
  expect(first).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  gate.over();
  await settled();
  expect([await waitMs(), await waitMs()]).toEqual([250, 500]);
});
