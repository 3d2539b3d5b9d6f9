import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SealedEvent } from "../../src/contracts/sealed-event.ts";
import { decode } from "../../src/envelope/decode.ts";
import { encode, type ContentMode } from "../../src/envelope/encode.ts";
import { sealForeign } from "../../src/envelope/seal-foreign.ts";
import { sample, seeded } from "./arbitraries.ts";
import { arrived, codeOf, incoming } from "./given.ts";

/** What a consumer is to get of an event. */
function expected(event: SealedEvent, data: unknown): Record<string, unknown> {
  const { correlationid, causationid } = event.extensions;
  const members = {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
    time: event.time,
    subject: event.subject,
    datacontenttype: event.contentType,
    dataschema: event.dataschema,
    partitionkey: event.key,
    correlationid,
    causationid,
    traceparent: event.traceparent,
    tracestate: event.tracestate,
  };
  return { ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)), data };
}

function unnamed(event: SealedEvent, mode: ContentMode): Record<string, unknown> {
  const entries = Object.entries(event.extensions).filter(
    ([name]) => !/^(correlation|causation)id$/.test(name),
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [name, mode === "binary" ? String(value) : value]),
  );
}

describe.each(["binary", "structured"] as const)("in %s mode", (mode) => {
  test("58. every event arrives as it was sealed", () => {
    fc.assert(
      fc.property(sample, ({ event, data }) => {
        const decoded = decode(arrived(encode(event, mode)));
        expect(decoded.message).toStrictEqual(expected(event, data));
        expect({ ...decoded.extensions }).toStrictEqual(unnamed(event, mode));
        expect(decoded).toMatchObject({ mode, tenant: event.tenant, key: event.key });
      }),
      seeded,
    );
  });

  test("58. the bytes of the data survive, whatever they are and are called", () => {
    const bodies = fc.record({
      payload: fc.oneof(
        fc.uint8Array(),
        fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      ),
      contentType: fc.constantFrom(
        undefined,
        "application/octet-stream",
        "image/png",
        "text/plain; charset=latin1",
      ),
    });
    fc.assert(
      fc.property(sample, bodies, ({ event }, { payload, contentType }) => {
        fc.pre(payload.byteLength > 0);
        const decoded = decode(arrived(encode({ ...event, payload, contentType }, mode)));
        expect(Buffer.compare(decoded.payload ?? new Uint8Array(0), payload)).toBe(0);
        expect(Buffer.compare(decoded.message.data as Uint8Array, payload)).toBe(0);
      }),
      { ...seeded, numRuns: 150 },
    );
  });

  test("a received message forwarded as it is gives the same event again", () => {
    fc.assert(
      fc.property(sample, ({ event, data }) => {
        const first = decode(arrived(encode(event, mode)));
        const { tenant, extensions, message } = first;
        const again = decode(
          arrived(
            encode(
              sealForeign(
                { ...extensions, ...message, ...(tenant === undefined ? {} : { tenantid: tenant }) },
                "c",
              ),
              mode,
            ),
          ),
        );
        const read = again.message.data;
        expect({
          ...again.message,
          data: read instanceof Uint8Array ? Buffer.from(read) : read,
        }).toStrictEqual(expected(event, data));
        expect({ ...again.extensions }).toStrictEqual({ ...extensions });
        expect(again.tenant).toBe(tenant);
      }),
      { ...seeded, numRuns: 200 },
    );
  });
});

test("59. whatever arrives, it is decoded or refused with one of the two documented codes", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.constantFrom("1.0", "application/json", "application/cloudevents+json", "application/cloudevents", ""),
  );
  const body = fc.oneof(
    fc.uint8Array(),
    text.map((value) => Buffer.from(value)),
    fc
      .dictionary(
        fc.constantFrom(
          "specversion",
          "id",
          "source",
          "type",
          "time",
          "data",
          "data_base64",
          "__proto__",
          "X",
        ),
        fc.oneof(text, fc.jsonValue()),
      )
      .map((members) => Buffer.from(JSON.stringify({ specversion: "1.0", ...members }))),
  );
  const message = fc.record({
    attributes: fc.dictionary(
      fc.oneof(fc.constantFrom("specversion", "id", "source", "type", "time"), text),
      text,
    ),
    contentType: fc.option(text, { nil: undefined }),
    body: fc.option(body, { nil: undefined }),
    key: fc.option(text, { nil: undefined }),
  });
  fc.assert(
    fc.property(message, (parts) => {
      const code = codeOf(() => decode(incoming(parts)));
      expect([undefined, "CONTRACT_INVALID_EVENT", "CONTRACT_UNDECODABLE"]).toContain(code);
    }),
    { ...seeded, numRuns: 2_000 },
  );
});
