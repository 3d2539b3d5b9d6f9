import { type } from "arktype";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ValidationError } from "../../src/errors.ts";
import { validate, validateSync } from "../../src/event/validate.ts";
import { coded } from "../envelope/given.ts";

const secret = 's3cr3t (was "it") x';
const bad = {
  email: secret,
  card: 4_242_424_242,
  choice: secret,
  nested: [{ name: secret }, { name: "ok" }],
  custom: secret,
  either: secret,
  short: secret,
};
const shapes = {
  zod: z.object({
    email: z.email(),
    card: z.number().max(10),
    choice: z.enum(["a", "b"]),
    nested: z.array(z.object({ name: z.string().regex(/^ok$/) })),
    custom: z.string().refine(() => false, {
      error: (issue) => `no ${String(issue.input)} please, ${JSON.stringify(issue.input)}`,
    }),
    either: z.union([z.number(), z.boolean()]),
    short: z.string().max(3),
  }),
  valibot: v.object({
    email: v.pipe(v.string(), v.email()),
    card: v.pipe(v.number(), v.maxValue(10)),
    choice: v.picklist(["a", "b"]),
    nested: v.array(v.object({ name: v.pipe(v.string(), v.regex(/^ok$/)) })),
    custom: v.pipe(
      v.string(),
      v.toUpperCase(),
      v.check(
        () => false,
        (issue) => `no ${issue.input} please`,
      ),
    ),
    either: v.union([v.number(), v.boolean()]),
    short: v.pipe(v.string(), v.maxLength(3)),
  }),
  arktype: type({
    email: "string.email",
    card: "number < 10",
    choice: "'a' | 'b'",
    nested: type({ name: "/^ok$/" }).array(),
    custom: type("string").narrow((text, ctx) => ctx.reject({ expected: "liked", actual: text })),
    either: "number | boolean",
    short: "string < 4 & /^x/",
  }),
} satisfies Record<string, StandardSchemaV1>;

/** The same schema, one turn later. */
function late(schema: StandardSchemaV1): StandardSchemaV1 {
  const standard = schema["~standard"];
  return { "~standard": { ...standard, validate: async (value) => standard.validate(value) } };
}

async function failure(schema: StandardSchemaV1, value: unknown): Promise<ValidationError> {
  try {
    await validate("com.acme.tried.v1", schema, value);
  } catch (error) {
    if (error instanceof ValidationError) return error;
    throw error;
  }
  return expect.fail("the value was taken");
}

describe.each(Object.entries(shapes) as [string, StandardSchemaV1][])("issues of %s", (_, schema) => {
  test.each([
    ["synchronous", schema],
    ["asynchronous", late(schema)],
  ])("%s: every issue names its place and none holds the value", async (__, tried) => {
    const error = await failure(tried, bad);
    const places = error.issues.map(({ path }) => path.join("."));
    expect(places.sort()).toEqual(
      ["card", "choice", "custom", "either", "email", "nested.0.name", "short"].sort(),
    );
    for (const text of [
      error.message,
      JSON.stringify(error.issues),
      JSON.stringify(error.context),
      error.stack ?? "",
    ]) {
      expect(text).not.toMatch(/s3cr3t/i);
      expect(text).not.toMatch(/4242424242|4_242_424_242/);
    }
    expect(error.code).toBe("CONTRACT_INVALID_DATA");
    expect(error.cause).toBeUndefined();
  });

  test("what was expected stays readable", async () => {
    const error = await failure(schema, bad);
    const said = Object.fromEntries(error.issues.map(({ path, message }) => [path.join("."), message]));
    expect(said["email"]).toMatch(/email/i);
    expect(said["choice"]).toMatch(/a.*b/);
    expect(said["card"]).toContain("10");
  });
});

describe("messages about values", () => {
  const saying = (message: string, path?: PropertyKey[], more: object = {}): StandardSchemaV1 => ({
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => ({ issues: [{ message, ...(path === undefined ? {} : { path }), ...more }] }),
    },
  });
  const said = async (message: string, value: unknown, path?: PropertyKey[], more?: object) =>
    (await failure(saying(message, path, more), value)).issues[0]?.message;

  test.each([
    ["must be even (was 17)", 17, "must be even"],
    ['a must be x (was missing) or b must be y (was "q \\" (z)")', { c: "q" }, "a must be x or b must be y"],
    ['must be x (was {"a":"(b)"}) and more', { a: "(b)" }, "must be x"],
    ['Invalid type: Expected string but received {"a":1}', { a: 1 }, "Invalid type: Expected string"],
    ['Invalid email: Received "x y"', "x y", "Invalid email"],
    ["Invalid input: expected string, received number", 5, "Invalid input: expected string, received number"],
    ["the code AB12 is gone, ab12 too", "AB12", "the code … is gone, … too"],
    ["a is not in the alphabet, a", "a", "… is not in the alphabet, …"],
    ["between 5 and 15, not 5", 5, "between … and 15, not …"],
    ['it says "one\\ntwo"', "one\ntwo", 'it says "…"'],
    ["at 2026-01-01T00:00:00.000Z", new Date("2026-01-01T00:00:00Z"), "at …"],
    ["either 7 or secret", { list: [{ deep: "secret" }, 7n] }, "either … or …"],
    ["empty stays", "", "empty stays"],
    ["(a+)+$ [x] is no pattern", "(a+)+$ [x]", "… is no pattern"],
  ])("%j", async (message, value, clean) => {
    expect(await said(message, value)).toBe(clean);
  });

  test("only the part of the data that the issue is about is looked for", async () => {
    expect(await said("name must be long", { kind: "long", name: "abc" }, ["name"])).toBe(
      "name must be long",
    );
    expect(await said("abcd!", { kind: "long", name: "abcd" }, ["name"])).toBe("…!");
    expect(await said("abcd!", {}, ["constructor", "name"])).toBe("abcd!");
  });

  test("what earlier steps of a pipe made of the value is looked for too", async () => {
    expect(await said("never reversed", "x", [], { input: "reversed" })).toBe("never …");
  });

  test("long values are found by their beginning, and long messages are cut", async () => {
    const long = "secret ".repeat(10_000);
    expect(await said(`no ${long}`, long)).toBe("no …");
    expect((await said("m".repeat(10_000), 1))?.length).toBeLessThan(510);
  });

  test("a hostile value does not make this slow", async () => {
    const value = ' (was "'.repeat(50_000);
    const begin = performance.now();
    await said(`must be x (was ${JSON.stringify(value)})`, value);
    await said(`must be x ${' (was "'.repeat(20_000)}`, 1);
    await said(
      "x",
      Array.from({ length: 100_000 }, (_, n) => `v${n}`),
    );
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  test("cycles in the data are no trouble", async () => {
    const ring: Record<string, unknown> = { name: "secret" };
    ring["ring"] = ring;
    expect(await said("no secret", ring)).toBe("no …");
  });
});

describe("validating", () => {
  const failing: StandardSchemaV1 = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async () => Promise.reject(new TypeError("database gone")),
    },
  };

  test("a synchronous schema answers at once, an asynchronous one with a promise", async () => {
    const schema = z.object({ a: z.string().transform((text) => text.length) });
    expect(validate("t", schema, { a: "xyz" })).toEqual({ a: 3 });
    expect(validateSync("t", schema, { a: "xyz" })).toEqual({ a: 3 });
    await expect(validate("t", late(schema), { a: "xyz" })).resolves.toEqual({ a: 3 });
  });

  test("an asynchronous schema is refused where nothing can be awaited, also when it fails later", async () => {
    for (const schema of [late(z.string()), failing]) {
      expect(() => validateSync("com.acme.tried.v1", schema, "x")).toThrow(coded("CONTRACT_ASYNC_SCHEMA"));
    }
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail the run
  });

  test("what a schema throws of its own is passed on: trying again may help", async () => {
    await expect(validate("t", failing, "x")).rejects.toBeInstanceOf(TypeError);
  });
});
