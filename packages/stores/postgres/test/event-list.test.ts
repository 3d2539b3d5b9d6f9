import { describe, expect, test } from "vitest";
import { eventList } from "../src/outbox/event-list.ts";
import { sealed } from "./support/events.ts";

const mebibyte = new Uint8Array(1_024 * 1_024);

/** The code and the context of what was thrown. */
function refusalOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("the events of one transaction as one text", () => {
  test("are the JSON array of their records, in order", () => {
    expect(eventList([])).toBe("[]");
    const read: unknown = JSON.parse(eventList([sealed("a"), sealed("b")]));
    expect(read).toMatchObject([{ id: "a" }, { id: "b" }]);
  });

  test("420 MiB are refused, not retryable, with their size and the step to take", () => {
    const events = Array.from({ length: 420 }, () => sealed("big", { payload: mebibyte }));
    const error = refusalOf(() => eventList(events));
    expect(error).toMatchObject({
      code: "STORE_TOO_LARGE",
      retryable: false,
      context: { events: 420, payloadBytes: 420 * 1_024 * 1_024 },
    });
    expect(String(error)).toMatch(/420 events .* 420\.0 MiB .* Publish in batches/);
  });

  test("one event that is too large by itself is refused, too, and never copied", () => {
    const payload = new Uint8Array(600 * 1_024 * 1_024);
    const error = refusalOf(() => eventList([sealed("big", { payload })]));
    expect(error).toMatchObject({ code: "STORE_TOO_LARGE", context: { events: 1 } });
  });

  test("what is around the payloads counts as well", () => {
    const subject = "x".repeat(4 * 1_024 * 1_024);
    const events = Array.from({ length: 64 }, () => sealed("wide", { subject, payload: undefined }));
    expect(refusalOf(() => eventList(events))).toMatchObject({
      code: "STORE_TOO_LARGE",
      context: { events: 64, payloadBytes: 0 },
    });
  });
});
