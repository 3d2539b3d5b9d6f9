import { expect, vi } from "vitest";
import { group } from "../processes/wiring.ts";
import { patience } from "./patience.ts";
import type { Scene } from "./scene.ts";
import type { Heard } from "./vhost.ts";

/** Each order that was committed, in the order of the commits. */
export function placedIn(scene: Scene): Promise<readonly string[]> {
  return scene.column("SELECT name FROM placed ORDER BY turn");
}

/**
 * Everything that was committed has left and nothing else, and every copy of an event under the same id. Answers how many
 * copies came again.
 */
export function expectAllSent(heard: readonly Heard[], committed: readonly string[]): number {
  const firsts = firstsOf(heard);
  expect(firsts.toSorted()).toEqual(committed.toSorted());
  const ids = new Set(heard.map(({ id }) => id));
  expect(ids.size).toBe(committed.length);
  return heard.length - firsts.length;
}

/** Of each key, what came first came in the order of the commits. */
export function expectSentInOrder(heard: readonly Heard[], committed: readonly string[]): void {
  expectInOrder(firstsOf(heard), committed);
}

/** Waits until each order has had its effect, and sees that none has had two. */
export async function expectEffectsOnce(scene: Scene, committed: readonly string[]): Promise<void> {
  const effects = () => scene.column("SELECT name FROM effect ORDER BY turn");
  await vi.waitFor(async () => expect(new Set(await effects())).toEqual(new Set(committed)), patience);
  expect((await effects()).toSorted()).toEqual(committed.toSorted());
}

/** The effects of each key happened in the order of the commits. */
export async function expectEffectsInOrder(scene: Scene, committed: readonly string[]): Promise<void> {
  expectInOrder(await scene.column("SELECT name FROM effect ORDER BY turn"), committed);
}

/** When all consumers have ended: what they had not settled would have come back. */
export async function expectQueuesEmpty(scene: Scene): Promise<void> {
  const names = await scene.broker.queues();
  expect(names.filter((name) => name.startsWith(group))).not.toEqual([]);
  for (const name of names.filter((one) => one !== `${group}:dead`))
    expect(`${name}: ${await scene.broker.ready(name)}`).toBe(`${name}: 0`);
}

function firstsOf(heard: readonly Heard[]): readonly string[] {
  return [...new Set(heard.map(({ name }) => name))];
}

function expectInOrder(names: readonly string[], committed: readonly string[]): void {
  for (const key of new Set(committed.map(keyOf)))
    expect(names.filter((name) => keyOf(name) === key)).toEqual(
      committed.filter((name) => keyOf(name) === key),
    );
}

function keyOf(name: string): string {
  return name.split(":")[0] ?? name;
}
