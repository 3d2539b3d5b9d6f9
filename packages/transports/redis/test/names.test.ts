import { describe, expect, test } from "vitest";
import { resolveOptions } from "../src/options.ts";
import { createNames, partitionOf, problemsOfChannel } from "../src/streams/names.ts";
import { planGroup } from "../src/topology.ts";

const names = createNames("blue:");
const request = {
  group: "billing",
  channels: [{ channel: "shop", types: "all" as const }],
  ordering: "none" as const,
  members: "share" as const,
  startAt: "new" as const,
  maxInFlight: 1,
  onFault: () => undefined,
};
const plan = (parts: object, partitions: 1 | 2 = 2) =>
  planGroup({ ...request, ...parts }, resolveOptions({ partitions }), names, "m");

describe("names at the broker", () => {
  test("keep all that is around a stream in the slot of the stream", () => {
    const { stream, ...around } = names.around(names.stream("shop", 3), "billing");
    expect(stream).toBe("blue:{shop:3}");
    for (const key of Object.values(around)) expect(key).toMatch(/^blue:\{shop:3\}:[a-z]+:billing$/);
    expect(names.trim(stream)).toBe("blue:{shop:3}:trim");
  });

  test("of different things differ", () => {
    const all = [
      names.stream("a", 0),
      names.partitions("a"),
      names.deadLetters("a"),
      names.members("a"),
      ...Object.values(names.around(names.stream("a", 1), "a")),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test("must hold no braces, which decide the slot", () => {
    expect(problemsOfChannel("a{b")).toHaveLength(1);
    expect(problemsOfChannel("x".repeat(401))).toHaveLength(1);
    expect(problemsOfChannel("")).toHaveLength(1);
    expect(problemsOfChannel("com.acme.orders")).toEqual([]);
  });

  test("the sixteen shards are dealt out evenly", () => {
    for (const partitions of [1, 2, 4, 8, 16]) {
      const counts = Array.from({ length: partitions }, () => 0);
      for (let shard = 0; shard < 16; shard += 1) {
        const partition = partitionOf(shard, partitions);
        counts[partition] = (counts[partition] ?? 0) + 1;
      }
      expect(new Set(counts)).toEqual(new Set([16 / partitions]));
    }
  });
});

describe("the plan of a group", () => {
  test("has each stream of each channel once", () => {
    const channels = ["shop", "stock", "shop"].map((channel) => ({ channel, types: "all" as const }));
    expect(plan({ channels }).queues.map(({ stream }) => stream)).toEqual([
      "blue:{shop:0}",
      "blue:{shop:1}",
      "blue:{stock:0}",
      "blue:{stock:1}",
    ]);
  });

  test("11. begins after the last id, before the first, or at a time", () => {
    expect(plan({}).startId).toBe("$");
    expect(plan({ startAt: "beginning" }).startId).toBe("0");
    expect(plan({ startAt: new Date(1_000) }).startId).toBe("999-18446744073709551615");
    expect(plan({ startAt: new Date(0) }).startId).toBe("0");
  });

  test("is of one member where each gets all, and dead letters are those of the group", () => {
    const each = plan({ members: "each" });
    expect([each.group, each.deadLetters]).toEqual(["billing:each:m", "blue:{billing}:dead"]);
    expect(plan({ ordering: "key" }).queues.map(({ kind }) => kind)).toEqual(["part", "part"]);
    const letters = plan({ of: "dead-letters", channels: [] });
    expect(letters).toMatchObject({ startId: "0", queues: [{ stream: "blue:{billing}:dead" }] });
  });

  test("of what cannot be is refused with every problem", () => {
    const wrong = { group: "a}b", channels: [], startAt: new Date(Number.NaN), maxInFlight: 0 };
    expect(() => plan(wrong)).toThrow(/group: .*channels: .*startAt: .*maxInFlight: /s);
  });
});
