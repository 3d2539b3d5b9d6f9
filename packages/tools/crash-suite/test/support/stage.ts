import { expect } from "vitest";
import type { Child } from "./child.ts";
import { expectAllSent, expectEffectsOnce, expectQueuesEmpty, placedIn } from "./invariants.ts";
import { openScene, outboxIsEmpty, type Scene } from "./scene.ts";
import type { Heard } from "./vhost.ts";

/** Where consumers work, with a relay beside them which nothing happens to. */
export interface Stage extends Scene {
  readonly relay: Child;
}

export async function openStage(): Promise<Stage> {
  const scene = await openScene();
  await scene.broker.listen("shipped");
  return { ...scene, relay: scene.startRelay() };
}

/** Its group is bound when this resolves: what is published earlier would have nowhere to go. */
export async function startConsumer(
  stage: Stage,
  place: Parameters<Stage["startConsumer"]>[0],
): Promise<Child> {
  const child = stage.startConsumer(place);
  await child.becomes("consuming");
  return child;
}

/**
 * All that live end as they should. Each order that has an effect at all had one, that was told once, and nothing is
 * left anywhere. Answers what was told, in its order.
 *
 * @param without the name of an order that has none
 */
export async function expectWhole(
  stage: Stage,
  living: readonly Child[],
  without?: string,
): Promise<readonly Heard[]> {
  const committed = (await placedIn(stage)).filter((name) => name !== without);
  await expectEffectsOnce(stage, committed);
  await outboxIsEmpty(stage);
  for (const child of [...living, stage.relay]) await child.end();
  await expectEffectsOnce(stage, committed);
  const heard = await stage.broker.heard("shipped");
  expect(expectAllSent(heard, committed)).toBe(0);
  await expectQueuesEmpty(stage);
  return heard;
}
