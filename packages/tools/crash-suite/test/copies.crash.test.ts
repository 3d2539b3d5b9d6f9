import { describe, expect, onTestFinished, test, vi } from "vitest";
import { group, type Step } from "./processes/wiring.ts";
import { type Child, fates, strike } from "./support/child.ts";
import { type FrameGate, type GatedMethod, openFrameGate } from "./support/frame-gate.ts";
import { expectEffectsOnce, placedIn } from "./support/invariants.ts";
import { patience } from "./support/patience.ts";
import { isShut, steps } from "./support/scene.ts";
import { expectWhole, openStage, type Stage, startConsumer } from "./support/stage.ts";

/*
 * A retry and a dead letter are a confirmed copy, and then the acknowledgement of the original. A gate at the broker's
 * door stops the one or the other, and the consumer is killed there, or frozen until another has its message.
 */

const limit = { timeout: 90_000 };
const bad: Step = { key: "bad", step: 1 };
/** Long enough that a copy is still waiting when the test looks. */
const retryDelayMs = 1_000;
const waiting = `${group}:wait:${retryDelayMs}`;
const dead = `${group}:dead`;

const failing = {
  retry: { ordering: "none", fails: { name: "bad:1", attempts: "first" }, retryDelayMs },
  "dead letter": { ordering: "none", fails: { name: "bad:1", attempts: "all" } },
} as const;

interface AtTheDoor {
  readonly stage: Stage;
  readonly gate: FrameGate;
  readonly first: Child;
}

/** A consumer whose handler fails on the one message there is, and what it says of it stands before the broker. */
async function openAtTheDoor(what: keyof typeof failing, method: GatedMethod): Promise<AtTheDoor> {
  const stage = await openStage();
  const gate = await openFrameGate(stage.broker.url);
  onTestFinished(gate.close);
  const first = await startConsumer(stage, { ...failing[what], brokerUrl: gate.url });
  gate.shut(method);
  await stage.place([bad]);
  await isShut(gate);
  return { stage, gate, first };
}

/** What stood at the door is gone with its connection: it wakes up, finds the gate open, and ends as it should. */
async function wakeAndEnd({ gate, first }: AtTheDoor): Promise<void> {
  gate.open();
  first.wake();
  await first.end();
}

function becomesReady(stage: Stage, queue: string, count: number): Promise<void> {
  return vi.waitFor(async () => expect(await stage.broker.ready(queue)).toBe(count), patience);
}

describe.each([
  { method: "ack", when: "between the confirmed copy and the acknowledgement", copies: 1 },
  { method: "publish", when: "before the copy is there", copies: 0 },
] as const)("a consumer that stops $when", ({ method, copies }) => {
  test.each(fates)("117, 121. %s in a retry: the message is handled, and once", limit, async (fate) => {
    const door = await openAtTheDoor("retry", method);
    const { stage, first } = door;
    expect(await stage.broker.ready(waiting)).toBe(copies);
    await strike(first, fate);
    const second = await startConsumer(stage, failing.retry);
    await stage.place(steps(2));
    await expectEffectsOnce(stage, await placedIn(stage));
    if (fate === "frozen") await wakeAndEnd(door);
    await becomesReady(stage, waiting, 0);
    await expectWhole(stage, [second]);
  });

  test.each(fates)("77. %s in a dead letter: the message is with the dead letters", limit, async (fate) => {
    const door = await openAtTheDoor("dead letter", method);
    const { stage, first } = door;
    expect(await stage.broker.ready(dead)).toBe(copies);
    await strike(first, fate);
    const second = await startConsumer(stage, failing["dead letter"]);
    await stage.place(steps(2));
    await becomesReady(stage, dead, copies + 1);
    if (fate === "frozen") await wakeAndEnd(door);
    await expectWhole(stage, [second], "bad:1");
    const letters = (await stage.broker.take(dead)).map(({ name }) => name);
    expect([...new Set(letters)]).toEqual(["bad:1"]);
    // One of each process, and that of the first once more if it does not know whether it was taken.
    expect(letters.length).toBeLessThanOrEqual(fate === "frozen" ? 3 : copies + 1);
  });
});
