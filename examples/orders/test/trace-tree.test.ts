import { expect, test } from "vitest";
import type { RecordedSpan } from "../src/telemetry/span-recorder.ts";
import { drawTrace } from "../src/telemetry/trace-tree.ts";

const span = (
  spanId: string,
  parentSpanId: string | undefined,
  startMs: number,
  more: Partial<RecordedSpan> = {},
): RecordedSpan => ({
  traceId: "t",
  spanId,
  parentSpanId,
  name: `span ${spanId}`,
  owner: "orders",
  startMs,
  durationMs: 1.25,
  error: undefined,
  ...more,
});

test("spans stand below the one that caused them, in the order they began", () => {
  const lines = drawTrace([
    span("d", "b", 130, { owner: "shipping", error: "no answer" }),
    span("c", "a", 120),
    span("b", "a", 110),
    span("a", "caller", 100),
    span("e", "b", 140),
  ]);
  expect(lines).toEqual([
    "span a        orders        +0 ms      1.3 ms",
    "├─ span b     orders       +10 ms      1.3 ms",
    "│  ├─ span d  shipping     +30 ms      1.3 ms  failed: no answer",
    "│  └─ span e  orders       +40 ms      1.3 ms",
    "└─ span c     orders       +20 ms      1.3 ms",
  ]);
});

test("spans whose cause is missing are roots of their own", () => {
  expect(drawTrace([span("a", undefined, 1), span("b", "lost", 2)])).toHaveLength(2);
  expect(drawTrace([])).toEqual([]);
});
