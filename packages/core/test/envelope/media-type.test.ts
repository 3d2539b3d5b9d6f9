import { describe, expect, test } from "vitest";
import { contentKind, isMediaType, structuredFormat } from "../../src/envelope/media-type.ts";

describe("media types", () => {
  test.each([
    "application/json",
    "Text/Plain",
    "application/vnd.acme.order+json; charset=UTF-8",
    'text/plain; charset="utf-8"; a="b\\"c;d"',
    "multipart/mixed;boundary=x",
    "a/b ; c=d",
  ])("%s is one", (text) => {
    expect(isMediaType(text)).toBe(true);
  });

  test.each([
    "xyz",
    "",
    "/",
    "a/",
    "/b",
    "a/b/c",
    "a b/c",
    "a/b;",
    "a/b; c",
    "a/b; c=",
    'a/b; c="d',
    "a/b\n",
    "ä/b",
  ])("%j is none", (text) => {
    expect(isMediaType(text)).toBe(false);
  });

  test.each([
    ["application/json", "json"],
    ["APPLICATION/JSON;charset=utf-8", "json"],
    ["text/json", "json"],
    ["application/vnd.acme+json; v=1", "json"],
    ["application/jsonp", "bytes"],
    ["application/xml; kind=json", "bytes"],
    ["application/octet-stream", "bytes"],
    ["text/plain", "text"],
    ["text/csv; charset=UTF-8", "text"],
    ['text/csv; charset="us-ascii"', "text"],
    ["text/plain; charset=iso-8859-1", "bytes"],
    [undefined, "bytes"],
  ])("%s is read as %s", (contentType, kind) => {
    expect(contentKind(contentType)).toBe(kind);
  });

  test.each([
    ["application/cloudevents+json", "json"],
    ["Application/CloudEvents+JSON;charset=UTF-8", "json"],
    ["application/cloudevents", "json"],
    ["application/cloudevents-batch+json", "batch"],
    ["application/cloudevents-batch", "batch"],
    ["application/cloudevents+protobuf", "unknown"],
    ["application/cloudevents+xyz; a=b", "unknown"],
    ["application/json", undefined],
    ["application/cloud", undefined],
    [undefined, undefined],
  ])("%s announces %s", (contentType, format) => {
    expect(structuredFormat(contentType)).toBe(format);
  });
});
