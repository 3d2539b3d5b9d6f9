import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DeadLetter } from "../../src/contracts/dead-letter.ts";
import { decodeDeadLetter, encodeDeadLetter } from "../../src/envelope/dead-letter.ts";
import { decode } from "../../src/envelope/decode.ts";
import { encode } from "../../src/envelope/encode.ts";
import { sample, seeded } from "./arbitraries.ts";
import { arrived } from "./given.ts";

const plain = { noNullPrototype: true } as const;
const short = fc.string({ unit: "binary", maxLength: 60 });
const error = fc.record(
  {
    name: fc.string({ unit: "binary", maxLength: 15 }),
    code: fc.option(fc.constantFrom("HANDLER_FAILED", "E1"), { nil: undefined }),
    message: short,
    stack: fc.option(short, { nil: undefined }),
  },
  plain,
);
const headerName = fc
  .stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,12}$/)
  .filter((name) => !/^postrider-/i.test(name));

/** Within the bounds, so that nothing is cut. */
const letter: fc.Arbitrary<DeadLetter> = fc.record(
  {
    reason: fc.constantFrom("undecodable", "invalid", "rejected", "exhausted", "unhandled-type"),
    consumer: short,
    attempts: fc.nat({ max: 999_999_999 }),
    errors: fc.array(error, { maxLength: 8 }),
    firstFailedAt: fc.constant("2026-03-01T10:20:30.456Z"),
    deadLetteredAt: fc.constant("2026-03-01T10:21:00.000Z"),
    origin: fc.dictionary(
      fc.string({ maxLength: 10 }),
      fc.oneof(fc.string({ maxLength: 20 }), fc.integer()),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    message: fc.record(
      {
        attributes: fc.dictionary(fc.string(), short, { maxKeys: 5, noNullPrototype: true }),
        headers: fc.dictionary(headerName, short, { maxKeys: 5, noNullPrototype: true }),
        contentType: fc.option(short, { nil: undefined }),
        body: fc.option(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          { nil: undefined },
        ),
        channel: short,
        key: fc.option(short, { nil: undefined }),
      },
      plain,
    ),
  },
  plain,
);

describe("dead letters", () => {
  test("every letter arrives as it was, also over a broker that keeps no key", () => {
    fc.assert(
      fc.property(letter, fc.boolean(), (original, keepsKey) => {
        const sent = encodeDeadLetter(original, "orders.dead");
        expect(sent.channel).toBe("orders.dead");
        const back = decodeDeadLetter(arrived(sent, keepsKey ? {} : { key: undefined }));
        expect(back).toStrictEqual(original);
      }),
      seeded,
    );
  });

  test("every header value is printable ASCII without a space at either end", () => {
    fc.assert(
      fc.property(letter, (original) => {
        const { headers } = encodeDeadLetter({ ...original, message: { ...original.message, headers: {} } });
        for (const value of Object.values(headers))
          expect(value).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
      }),
      seeded,
    );
  });

  test("a letter is still the CloudEvent that it was", () => {
    fc.assert(
      fc.property(
        sample,
        letter,
        fc.constantFrom("binary" as const, "structured" as const),
        ({ event }, original, mode) => {
          const message = arrived(encode(event, mode));
          const sent = encodeDeadLetter({ ...original, message });
          expect({ ...decode(arrived(sent)) }).toStrictEqual({ ...decode(message) });
        },
      ),
      { ...seeded, numRuns: 150 },
    );
  });
});
