import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { attributeLimits, problemOfAttribute } from "../../src/envelope/attributes.ts";
import { readAttributes } from "../../src/envelope/read-attributes.ts";

const secret = "s3cr3t value";

function read(members: Record<string, unknown>): {
  problems: string[];
  attributes: ReturnType<typeof readAttributes>;
} {
  const problems: string[] = [];
  return { attributes: readAttributes(members, problems), problems };
}

/** Rows with a short title: some values are long, some no JSON. */
function rows(
  ...pairs: readonly (readonly [string, unknown])[]
): { name: string; value: unknown; title: string }[] {
  return pairs.map(([name, value]) => ({
    name,
    value,
    title: `${name.slice(0, 30)} ${inspect(value).slice(0, 40)}`,
  }));
}

const required = { specversion: "1.0", id: "1", source: "/s", type: "t" };

describe("the types of attributes", () => {
  test.each(
    rows(
      ["extinteger", 10],
      ["extinteger", -2_147_483_648],
      ["extinteger", 2_147_483_647],
      ["extboolean", false],
      ["extstring", ""],
      ["extstring", "Euro € 😀 \u00a0"],
      ["42", "a name may begin with a digit"],
      ["anamelongerthantwentycharacters", "x"],
      ["constructor", "x"],
      ["valueof", "x"],
      ["extstring", "x".repeat(attributeLimits.valueLength)],
    ),
  )("may be: $title", ({ name, value }) => {
    expect(problemOfAttribute(name, value)).toBeUndefined();
  });

  test.each(
    rows(
      ["ext", 1.5],
      ["ext", 2_147_483_648],
      ["ext", -2_147_483_649],
      ["ext", Number.NaN],
      ["ext", Number.POSITIVE_INFINITY],
      ["ext", 10n],
      ["ext", { secret }],
      ["ext", [secret]],
      ["ext", new Date()],
      ["ext", "\u0000"],
      ["ext", "tab\t"],
      ["ext", "\r\n"],
      ["ext", "\u007f"],
      ["ext", "\u009f"],
      ["ext", "\ufdd0"],
      ["ext", "\uffff"],
      ["ext", "\u{1fffe}"],
      ["ext", "\ud800"],
      ["ext", "\udc00x"],
      ["ext", "x".repeat(attributeLimits.valueLength + 1)],
      ["data", "x"],
      ["", "x"],
      ["My", "x"],
      ["my.ext", "x"],
      ["my-ext", "x"],
      ["my_ext", "x"],
      ["ümlaut", "x"],
      ["__proto__", "x"],
      ["x".repeat(attributeLimits.nameLength + 1), "x"],
      ["specversion", "0.3"],
      ["specversion", 1],
      ["id", ""],
      ["id", 25],
      ["type", ""],
      ["subject", ""],
      ["source", ""],
      ["source", `/${secret}`],
      ["time", secret],
      ["datacontenttype", secret],
      ["dataschema", "relative"],
      ["partitionkey", 7],
      ["correlationid", true],
      ["traceparent", 1],
    ),
  )("may not be: $title", ({ name, value }) => {
    expect(problemOfAttribute(name, value)).toEqual(expect.any(String));
  });

  test("a problem names the attribute and never holds its value", () => {
    const samples: readonly (readonly [string, unknown])[] = [
      ["source", `/${secret}`],
      ["time", secret],
      ["datacontenttype", secret],
      ["dataschema", secret],
      ["ext", { secret }],
      ["ext", `${secret}\u0000`],
      ["ext", 1234.5],
      ["id", [secret]],
    ];
    for (const [name, value] of samples) {
      const problem = problemOfAttribute(name, value);
      expect(problem).toMatch(new RegExp(`^${name}: `));
      expect(problem).not.toContain("s3cr3t");
      expect(problem).not.toContain("1234");
    }
  });

  test("a hostile name is cut and cannot break a line", () => {
    const problem = problemOfAttribute(`evil\n${"x".repeat(10_000)}`, "v") ?? "";
    expect(problem.length).toBeLessThan(200);
    expect(problem).not.toContain("\n");
  });
});

describe("reading attributes", () => {
  test("all problems are found at once", () => {
    const { problems } = read({ id: "", time: "noon", "my.ext": 1 });
    expect(problems).toEqual([
      "specversion: is missing",
      "source: is missing",
      "type: is missing",
      "id: must not be empty",
      expect.stringMatching(/^time: /),
      expect.stringMatching(/^'my.ext'/),
    ]);
  });

  test("null and undefined count as not set", () => {
    const { problems, attributes } = read({ ...required, time: null, subject: undefined, ext: null });
    expect(problems).toEqual([]);
    expect(attributes.time).toBeUndefined();
    expect(Object.keys(attributes.extensions)).toEqual([]);
    expect(read({ ...required, id: null }).problems).toEqual(["id: is missing"]);
  });

  test("inherited members count as missing", () => {
    const { problems } = read(Object.create(required) as Record<string, unknown>);
    expect(problems).toHaveLength(4);
  });

  test("more attributes than the limit are refused, before each is looked at", () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`E${n}`, 1]));
    const { problems } = read({ ...required, ...many });
    expect(problems[0]).toContain(String(attributeLimits.count));
    expect(problems.length).toBeLessThan(200);
  });

  test("tenantid is the tenant when it is text, and an extension of others when it is not", () => {
    expect(read({ ...required, tenantid: "acme" }).attributes).toMatchObject({
      tenant: "acme",
      extensions: {},
    });
    const foreign = read({ ...required, tenantid: 42 });
    expect(foreign.problems).toEqual([]);
    expect(foreign.attributes.tenant).toBeUndefined();
    expect(foreign.attributes.extensions["tenantid"]).toBe(42);
  });

  test("no name of Object.prototype can be read from the extensions", () => {
    for (const { extensions } of [read(required).attributes, read({ ...required, ext: "x" }).attributes]) {
      expect(extensions["constructor"]).toBeUndefined();
      expect(extensions["hasOwnProperty"]).toBeUndefined();
      expect(Object.getPrototypeOf(extensions)).toBeNull();
    }
  });
});
