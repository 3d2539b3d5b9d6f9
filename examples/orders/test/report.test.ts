import { expect, test } from "vitest";
import { linesOn, progressOn } from "../src/demo/progress.ts";
import { reportLines, type Paint } from "../src/demo/report.ts";
import type { Outcome } from "../src/demo/run.ts";
import { paintFor } from "../src/demo/terminal.ts";
import type { Choice } from "../src/wiring/choose.ts";

const plain: Paint = paintFor({ write: () => {} }, {});
const embedded: Choice = { broker: { kind: "memory", url: "memory://" }, database: { kind: "pglite" } };
const outcome: Outcome = {
  figures: {
    broker: "memory",
    store: "pglite",
    placed: 20,
    published: 20,
    deliveries: 22,
    duplicatesInjected: 2,
    duplicatesDropped: 2,
    deadLettered: 1,
    effects: 20,
    lost: 0,
    kills: 0,
    seconds: 1.234,
  },
  unfinished: undefined,
  url: "http://127.0.0.1:1",
  retries: 1,
  letter: { orderId: "0123456789", reason: "rejected", message: "No carrier goes to AQ", attempts: 1 },
  watched: { orderId: "abcdefghij", reference: "r", status: "shipped", trackingCode: "T-1" },
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spans: [],
};

test("a good run ends with its verdict in one line", () => {
  const lines = reportLines(outcome, embedded, plain);
  expect(lines.at(-1)).toBe("lost 0, effects = placed (20 = 20), 1.2 s");
  expect(lines.join("\n")).toContain("order 01234567, rejected: No carrier goes to AQ");
  expect(lines.join("\n")).toContain("DATABASE_URL=postgres://… npm start");
});

test("a bad run says what is wrong with it, last", () => {
  const figures = { ...outcome.figures, effects: 19, lost: 1 };
  const bad = {
    ...outcome,
    figures,
    letter: undefined,
    watched: undefined,
    unfinished: "orders marked as shipped (19 of 20)",
  };
  expect(reportLines(bad, embedded, plain).slice(-4)).toEqual([
    "lost 1, effects ≠ placed (19 ≠ 20), 1.2 s",
    "  1 of 20 orders have no shipment",
    "  19 shipments were made of 20 orders",
    "  waited in vain for orders marked as shipped (19 of 20)",
  ]);
});

test("colours and progress are for terminals only, and NO_COLOR is heard", () => {
  const written: string[] = [];
  const terminal = { isTTY: true, write: (text: string) => written.push(text) };
  const file = { isTTY: false, write: (text: string) => written.push(text) };
  expect(paintFor(terminal, {}).good("a")).not.toBe("a");
  expect(paintFor(terminal, { NO_COLOR: "1" }).good("a")).toBe("a");
  expect(paintFor(file, {}).good("a")).toBe("a");
  progressOn(file).show("10 of 20");
  expect(written).toEqual([]);
  progressOn(terminal).show("10 of 20");
  expect(written).toEqual([expect.stringContaining("10 of 20")]);
  linesOn(terminal)("spans were lost");
  linesOn(file)("spans were lost");
  expect(written.slice(1)).toEqual(["\r\u001b[2K", "spans were lost\n", "spans were lost\n"]);
});
