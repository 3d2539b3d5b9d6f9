import fc from "fast-check";
import { expect, test } from "vitest";
import type { StoredMessage } from "../../src/memory/broker/message.ts";
import {
  createQueue,
  type Entry,
  type MessageQueue,
  type QueueOrdering,
} from "../../src/memory/broker/queue.ts";

/** The same queue as one flat list, looked through from the front at every step. */
interface ModelEntry {
  readonly id: number;
  readonly key: string | undefined;
  order: number;
  state: "queued" | "unsettled" | "delayed";
  dueMs: number;
  attempt: number;
}

class Model {
  readonly entries: ModelEntry[] = [];
  private last = 0;

  private readonly ordering: QueueOrdering;

  constructor(ordering: QueueOrdering) {
    this.ordering = ordering;
  }

  add(id: number, key: string | undefined): void {
    this.entries.push({ id, key, order: this.next(), state: "queued", dueMs: 0, attempt: 1 });
  }
  take(): ModelEntry | undefined {
    const entry = this.inOrder().find((each) => each.state === "queued" && !this.isHeld(each));
    if (entry !== undefined) entry.state = "unsettled";
    return entry;
  }
  remove(entry: ModelEntry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
  }
  wake(nowMs: number): void {
    const due = this.entries.filter((each) => each.state === "delayed" && each.dueMs <= nowMs);
    for (const entry of due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)) {
      entry.state = "queued";
      if (this.ordering === "none" || entry.key === undefined) entry.order = this.next();
    }
  }
  inOrder(): ModelEntry[] {
    return this.entries.toSorted((a, b) => a.order - b.order);
  }
  /** Ordering `key`: one earlier of its key is not done. */
  private isHeld(entry: ModelEntry): boolean {
    if (this.ordering === "none" || entry.key === undefined) return false;
    return this.entries.some(
      (each) =>
        each.key === entry.key && (each.order < entry.order || each.state !== "queued") && each !== entry,
    );
  }
  private next(): number {
    this.last += 1;
    return this.last;
  }
}

interface World {
  readonly queue: MessageQueue;
  readonly model: Model;
  readonly taken: { readonly entry: Entry; readonly twin: ModelEntry }[];
  nowMs: number;
  nextId: number;
}
type Step = (world: World) => void;

const keys = fc.constantFrom("a", "b", "c", undefined);
const pick = fc.nat(1000);
const steps: fc.Arbitrary<Step> = fc.oneof(
  keys.map((key): Step => (world) => {
    world.nextId += 1;
    world.queue.add(messageOf(world.nextId, key));
    world.model.add(world.nextId, key);
  }),
  fc.constant<Step>((world) => {
    const [entry, twin] = [world.queue.take(), world.model.take()];
    if (entry?.message.offset !== twin?.id || entry?.attempt !== twin?.attempt) {
      throw new Error(`took ${entry?.message.offset}, and the list says ${twin?.id}`);
    }
    if (entry !== undefined && twin !== undefined) world.taken.push({ entry, twin });
  }),
  pick.map(
    (at): Step =>
      (world) =>
        settleOne(world, at, ({ entry, twin }) => {
          world.queue.ack(entry);
          world.model.remove(twin);
        }),
  ),
  pick.map(
    (at): Step =>
      (world) =>
        settleOne(world, at, ({ entry, twin }) => {
          world.queue.giveBack(entry, entry.attempt);
          twin.state = "queued";
        }),
  ),
  fc.tuple(pick, fc.nat(5)).map(
    ([at, delayMs]): Step =>
      (world) =>
        settleOne(world, at, ({ entry, twin }) => {
          twin.attempt += 1;
          twin.state = "delayed";
          twin.dueMs = world.nowMs + delayMs;
          world.queue.retry(entry, twin.attempt, twin.dueMs);
        }),
  ),
  fc.nat(4).map((ms): Step => (world) => {
    world.nowMs += ms;
    world.queue.wake(world.nowMs);
    world.model.wake(world.nowMs);
  }),
);

/** Long ones: left to itself fast-check makes scripts of ten steps, in which hardly a message is done. */
const scripts = fc.array(steps, { minLength: 30, maxLength: 120, size: "max" });

for (const ordering of ["none", "key"] as const) {
  test(`a queue with ordering '${ordering}' does what a flat list does that is searched at every step`, () => {
    fc.assert(
      fc.property(scripts, (script) => {
        const world: World = {
          queue: createQueue(ordering),
          model: new Model(ordering),
          taken: [],
          nowMs: 0,
          nextId: 0,
        };
        for (const step of script) {
          step(world);
          expect(countsOf(world.model)).toEqual(world.queue.counts());
        }
        expect(world.queue.size).toBe(world.model.entries.length);
        expect(world.queue.entries().map(({ message }) => message.offset)).toEqual(
          world.model.inOrder().map(({ id }) => id),
        );
      }),
      { seed: 20260101, numRuns: 250 },
    );
  });
}

test("a queue keeps every message, and each key its order, when its ordering changes", () => {
  fc.assert(
    fc.property(scripts, fc.constantFrom<QueueOrdering>("none", "key"), (script, first) => {
      const world: World = {
        queue: createQueue(first),
        model: new Model(first),
        taken: [],
        nowMs: 0,
        nextId: 0,
      };
      for (const step of script) step(world);
      for (const { entry } of world.taken) world.queue.giveBack(entry, entry.attempt);
      const before = world.queue.entries().map(({ message }) => message.offset);
      const second = first === "none" ? "key" : "none";
      world.queue.reorder(second);
      expect(world.queue.entries().map(({ message }) => message.offset)).toEqual(before);
      world.queue.wake(Infinity);
      const out: number[] = [];
      for (let entry = world.queue.take(); entry !== undefined; entry = world.queue.take()) {
        out.push(entry.message.offset);
        world.queue.ack(entry);
      }
      expect(out.toSorted((a, b) => a - b)).toEqual(before.toSorted((a, b) => a - b));
      expect(world.queue.size).toBe(0);
    }),
    { seed: 20260102, numRuns: 300 },
  );
});

function settleOne(world: World, at: number, settle: (one: World["taken"][number]) => void): void {
  const [one] = world.taken.splice(at % Math.max(1, world.taken.length), 1);
  if (one !== undefined) settle(one);
}

function countsOf(model: Model) {
  const count = (state: ModelEntry["state"]) => model.entries.filter((each) => each.state === state).length;
  return { queued: count("queued"), unsettled: count("unsettled"), delayed: count("delayed") };
}

function messageOf(offset: number, key: string | undefined): StoredMessage {
  return {
    channel: "orders",
    key,
    type: undefined,
    attributes: {},
    headers: {},
    contentType: undefined,
    body: undefined,
    offset,
    storedAtMs: 0,
  };
}
