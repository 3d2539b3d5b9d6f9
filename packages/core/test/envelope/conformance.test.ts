import { describe, expect, test } from "vitest";
import { decode } from "../../src/envelope/decode.ts";
import { sealForeign } from "../../src/envelope/seal-foreign.ts";
import { coded, structured } from "./given.ts";

/*
 * Events that the CloudEvents working group's conformance cases for the JSON format call invalid or valid, told here
 * as what is changed in a valid event.
 */

const base = { specversion: "1.0", id: "e-1", type: "org.example.tried", source: "https://example.org" };
const unset = undefined;

const invalid: readonly (readonly [why: string, change: Readonly<Record<string, unknown>>])[] = [
  ["no specversion", { specversion: unset }],
  ["no id", { id: unset }],
  ["no type", { type: unset }],
  ["no source", { source: unset }],
  ["a time that is a word", { time: "teatime" }],
  ["a time without seconds", { time: "2018-04-05T18:31Z" }],
  ["a time with an unknown zone letter", { time: "2018-04-05T18:31:00X" }],
  ["a time with an offset beyond a day", { time: "2018-04-05T18:31:00+25:00" }],
  ["a time with letters in the offset", { time: "2018-04-05T18:31:00+ab:00" }],
  ["a time with an offset of hours only", { time: "2018-04-05T18:31:00+05" }],
  ["an empty id", { id: "" }],
  ["an empty type", { type: "" }],
  ["an empty source", { source: "" }],
  ["an empty specversion", { specversion: "" }],
  ["an unknown specversion", { specversion: "0.9" }],
  ["a datacontenttype that is no media type", { datacontenttype: "xyz" }],
  ["an empty datacontenttype", { datacontenttype: "" }],
  ["an empty dataschema", { dataschema: "" }],
  ["an empty subject", { subject: "" }],
  ["an id that is a number", { id: 25 }],
  ["an id that is an object", { id: { a: "b" } }],
  ["an extension with capitals", { MyExtension: "x" }],
  ["an extension with punctuation", { "my.extension": "x" }],
  ["an extension that is a fraction", { myextension: 1.5 }],
  ["data and data_base64 together", { data: "text", data_base64: "e30=" }],
];

const valid: readonly (readonly [why: string, change: Readonly<Record<string, unknown>>])[] = [
  ["the required attributes", {}],
  [
    "optional attributes that are null",
    { datacontenttype: null, dataschema: null, subject: null, time: null },
  ],
  [
    "all attributes",
    {
      datacontenttype: "text/plain",
      dataschema: "https://example.org/s",
      subject: "x",
      time: "2018-04-05T17:31:00Z",
    },
  ],
  ["a time in nanoseconds", { time: "2018-04-05T17:31:00.000000000Z" }],
  ["a time with a positive offset", { time: "2018-04-05T18:31:00+01:00" }],
  ["a time with a negative offset", { time: "2018-04-05T16:31:00-01:00" }],
  ["a relative source", { source: "#fragment" }],
  ["text", { datacontenttype: "text/plain", data: "Simple" }],
  [
    "extensions of every type",
    {
      extinteger: 10,
      extboolean: true,
      extstring: "text",
      exturi: "https://example.org",
      exturiref: "//authority/path",
      exttimestamp: "2023-03-31T15:12:00Z",
      extbinary: "TWE=",
    },
  ],
];

const batches: readonly (readonly [why: string, batch: readonly unknown[]])[] = [
  ["mixed versions", [base, { ...base, specversion: "0.9" }]],
  ["an invalid event", [{ ...base, id: unset }]],
  ["something that is no event", ["text", base]],
];

describe("conformance to CloudEvents 1.0", () => {
  test("all 25 kinds of invalid events and 3 of batches are here", () => {
    expect([invalid.length, batches.length]).toEqual([25, 3]);
  });

  test.each(invalid)(
    "59. an event with %s is refused, when it arrives and when it is forwarded",
    (_, change) => {
      const event = { ...base, ...change };
      for (const take of [() => decode(structured(event)), () => sealForeign(event)]) {
        expect(take).toThrow(coded("CONTRACT_INVALID_EVENT"));
      }
    },
  );

  test.each(
    invalid.filter(
      ([, change]) =>
        Object.values(change).every((value) => value === unset || typeof value === "string") &&
        !("data" in change),
    ),
  )("59. attributes with %s are refused in binary mode", (_, change) => {
    const set = Object.entries({ ...base, ...change }).filter(([, value]) => value !== unset);
    const attributes = Object.fromEntries(set) as Record<string, string>;
    expect(() =>
      decode({
        attributes,
        headers: {},
        contentType: undefined,
        body: undefined,
        channel: "c",
        key: undefined,
      }),
    ).toThrow(coded("CONTRACT_INVALID_EVENT"));
  });

  test.each(batches)("a batch with %s is refused, announced or not", (_, batch) => {
    for (const contentType of [
      "application/cloudevents-batch+json",
      "application/cloudevents+json",
      undefined,
    ]) {
      expect(() => decode(structured(batch, { contentType }))).toThrow(coded("CONTRACT_UNDECODABLE"));
    }
  });

  test.each(valid)("an event with %s is read with its attributes as they were", (_, change) => {
    const { message, extensions } = decode(structured({ ...base, ...change }));
    const set = Object.fromEntries(
      Object.entries({ ...base, ...change }).filter(([, value]) => value !== null),
    );
    expect({ ...message, ...extensions }).toEqual({ data: undefined, ...set });
  });
});
