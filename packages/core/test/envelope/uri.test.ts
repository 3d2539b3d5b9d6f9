import { describe, expect, test } from "vitest";
import { isUri, isUriReference } from "../../src/envelope/uri.ts";

describe("URIs of RFC 3986", () => {
  test.each([
    "https://example.com/a/b?c=d&e=/?#f/?g",
    "HTTPS://EXAMPLE.COM",
    "//authority/path",
    "/services/orders",
    "relative/path",
    "#fragment",
    "?query",
    "1-555-123-4567",
    "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
    "mailto:orders@example.com",
    "a:b:c",
    "./with:colon",
    "x/with:colon",
    "http://user:secret@example.com:8080/",
    "http://[2001:db8::7]:443/x",
    "http://[v1.fe:80]/",
    "http://example.com:",
    "file:///etc/hosts",
    "/percent%20encoded%C3%A9",
    "tag:example.com,2026:a~b_c!$&'()*+;=@",
  ])("%j is a reference", (text) => {
    expect(isUriReference(text)).toBe(true);
  });

  test.each([
    "with space",
    "/städte",
    "/a%2",
    "/a%zz",
    "/a|b",
    "/a\\b",
    "/a^b",
    "/{id}",
    '/"a"',
    "<a>",
    "1:2",
    ":a",
    "a#b#c",
    "http://[::1",
    "http://[12345::]/",
    "http://[]/",
    "http://a@b@c/",
    "http://[::1]x/",
    "http://example.com:80a/",
    "http://a:b:c/",
    "/a[b]",
    "/a\n",
  ])("%j is none", (text) => {
    expect(isUriReference(text)).toBe(false);
  });

  test("a URI has a scheme, and may have a fragment", () => {
    expect(isUri("https://example.com/schema#v1")).toBe(true);
    expect(isUri("urn:a:b")).toBe(true);
    expect(isUri("/schema")).toBe(false);
    expect(isUri("//example.com/schema")).toBe(false);
    expect(isUri("https://example.com/a b")).toBe(false);
  });

  test("a hostile value costs time in proportion to its length", () => {
    const hostile = [
      `//${"a".repeat(16_000)}<`,
      `${"a:".repeat(8_000)}<`,
      `//${"a@".repeat(8_000)}<`,
      `${"%20".repeat(5_000)}%`,
      `a://${"[".repeat(16_000)}`,
      `?${"/?".repeat(8_000)}<`,
    ];
    const begin = performance.now();
    for (const text of hostile) for (let run = 0; run < 20; run++) expect(isUriReference(text)).toBe(false);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });
});
