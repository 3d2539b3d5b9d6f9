import { expect, test, vi } from "vitest";
import { placedIn } from "./support/invariants.ts";
import { patience } from "./support/patience.ts";
import { isShut, openScene, outboxIsEmpty, type Scene } from "./support/scene.ts";

/*
 * A service that is killed, or frozen for a while, on the last statements of its transaction. A relay beside it sends
 * what there is.
 */

const order = { key: "k0", step: 1 };
const limit = { timeout: 60_000 };

/** What the service has left: its own rows, its events, and what was sent. */
async function left(scene: Scene): Promise<readonly unknown[]> {
  await sessionsEnded(scene);
  await outboxIsEmpty(scene);
  return [await placedIn(scene), (await scene.broker.heard("placed")).map(({ name }) => name)];
}

/** Sessions of killed processes work on until they look up. */
function sessionsEnded(scene: Scene): Promise<void> {
  const writing =
    "SELECT pid FROM pg_locks WHERE relation = 'placed'::regclass AND mode = 'RowExclusiveLock'";
  return vi.waitFor(async () => expect(await scene.sql(writing)).toEqual([]), patience);
}

async function openWithRelay(): Promise<Scene> {
  const scene = await openScene();
  await scene.broker.listen("placed");
  await scene.startRelay().becomes("leading");
  return scene;
}

test(
  "89, 90. frozen on its outbox insert and killed: neither the change nor a message is there",
  limit,
  async () => {
    const scene = await openWithRelay();
    const gate = await scene.gateOn("outbox_event", "insert");
    await gate.shut();
    const shop = scene.startShop(order);
    await isShut(gate);
    shop.freeze();
    await shop.kill();
    await gate.open();
    expect(await left(scene)).toEqual([[], []]);
  },
);

test(
  "89, 90. frozen on its outbox insert and woken: the change is there and the message has left",
  limit,
  async () => {
    const scene = await openWithRelay();
    const gate = await scene.gateOn("outbox_event", "insert");
    await gate.shut();
    const shop = scene.startShop(order);
    await isShut(gate);
    shop.freeze();
    await gate.open();
    expect(await placedIn(scene)).toEqual([]);
    shop.wake();
    await shop.becomes("committed");
    expect(await left(scene)).toEqual([["k0:1"], ["k0:1"]]);
  },
);

test(
  "89. killed while its COMMIT is at the server: the change and the message are there, or neither",
  limit,
  async () => {
    const scene = await openWithRelay();
    const gate = await scene.gateOn("placed", "commit");
    await gate.shut();
    const shop = scene.startShop(order);
    await isShut(gate);
    await shop.kill();
    await gate.open();
    const [changes, messages] = await left(scene);
    expect(messages).toEqual(changes);
  },
);

test(
  "94, 106, 111. killed when it has committed, and nobody was told: a relay elsewhere finds the message",
  limit,
  async () => {
    const scene = await openWithRelay();
    const shop = scene.startShop(order);
    await shop.becomes("committed");
    await shop.kill();
    expect(await left(scene)).toEqual([["k0:1"], ["k0:1"]]);
  },
);
