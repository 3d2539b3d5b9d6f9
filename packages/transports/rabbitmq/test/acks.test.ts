import { fakeClock } from "@postrider/core/testing";
import { describe, expect, test } from "vitest";
import { createAcks } from "../src/amqp/acks.ts";

type Sent = readonly [tag: number, reach: "all-up-to" | "alone"];

function opened(options: { readonly batch?: number } = {}) {
  const clock = fakeClock();
  const sent: Sent[] = [];
  const acks = createAcks({
    clock,
    delayMs: 5,
    batch: options.batch ?? 1_000,
    send: (tag, reach) => void sent.push([tag, reach]),
  });
  const deliver = (count: number): void => {
    for (let tag = 1; tag <= count; tag += 1) acks.delivered(tag);
  };
  return { clock, sent, acks, deliver };
}

describe("acknowledgements of one channel", () => {
  test("wait a moment, and go as one for all that is done", async () => {
    const { clock, sent, acks, deliver } = opened();
    deliver(5);
    for (const tag of [1, 2, 3]) acks.done(tag);
    expect(sent).toEqual([]);
    await clock.advance(5);
    expect(sent).toEqual([[3, "all-up-to"]]);
  });

  test("go at once when a batch is full", () => {
    const { sent, acks, deliver } = opened({ batch: 2 });
    deliver(5);
    acks.done(1);
    acks.done(2);
    expect(sent).toEqual([[2, "all-up-to"]]);
  });

  test("never reach over a message that is not done", async () => {
    const { clock, sent, acks, deliver } = opened();
    deliver(4);
    for (const tag of [1, 3, 4]) acks.done(tag);
    await clock.advance(5);
    expect(sent).toEqual([[1, "all-up-to"]]);
  });

  test("go alone behind a gap that does not close within two rounds", async () => {
    const { clock, sent, acks, deliver } = opened();
    deliver(4);
    for (const tag of [1, 3, 4]) acks.done(tag);
    await clock.advance(10);
    expect(sent).toEqual([
      [1, "all-up-to"],
      [3, "alone"],
      [4, "alone"],
    ]);
    acks.done(2);
    await clock.advance(10);
    expect(sent.slice(3)).toEqual([[2, "all-up-to"]]);
  });

  test("name no tag that the broker does not wait for: it would close the channel", async () => {
    const { clock, sent, acks, deliver } = opened();
    deliver(3);
    acks.doneNow(1);
    acks.doneNow(3);
    acks.done(2);
    await clock.advance(20);
    expect(sent).toEqual([
      [1, "alone"],
      [3, "alone"],
      [2, "all-up-to"],
    ]);
  });

  test("go out once, and not after the end", async () => {
    const { clock, sent, acks, deliver } = opened();
    deliver(2);
    acks.done(1);
    acks.done(1);
    acks.flush();
    acks.done(1);
    acks.end();
    acks.done(2);
    acks.doneNow(2);
    await clock.advance(20);
    expect(sent).toEqual([[1, "all-up-to"]]);
  });

  test("a flush leaves nothing behind that is done", () => {
    const { sent, acks, deliver } = opened();
    deliver(3);
    acks.done(3);
    acks.flush();
    expect(sent).toEqual([[3, "alone"]]);
  });
});
