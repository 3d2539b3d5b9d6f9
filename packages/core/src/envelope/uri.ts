import { isIPv6 } from "node:net";

/*
 * RFC 3986, with each component over its own set of characters: no two neighbours in the pattern can match the same
 * text, so that a hostile value costs linear time. The lookahead after the authority is what keeps it so.
 */
const pattern =
  /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/((?:[\w.~!$&'()*+,;=:@[\]-]|%[\da-f]{2})*)(?=[/?#]|$))?((?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2})*)(?:\?(?:[\w.~!$&'()*+,;=:@/?-]|%[\da-f]{2})*)?(?:#(?:[\w.~!$&'()*+,;=:@/?-]|%[\da-f]{2})*)?$/i;

/** True for a URI-reference of RFC 3986, section 4.1: `https://a/b`, `//a/b`, `/a/b`, `a/b`, `#c`, `urn:a:b`. */
export function isUriReference(text: string): boolean {
  const match = pattern.exec(text);
  if (match === null) return false;
  const [, scheme, authority, path = ""] = match;
  if (authority !== undefined) return isAuthority(authority);
  if (path.startsWith("//")) return false;
  // A colon in the first segment of a relative path would make it a scheme (`path-noscheme`).
  return scheme !== undefined || !(path.split("/", 1)[0] ?? "").includes(":");
}

/**
 * True for a URI with a scheme. A fragment is allowed, beyond the `absolute-URI` of section 4.3 that CloudEvents
 * names: schemas are commonly addressed by one, and refusing events for it would help nobody.
 */
export function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text) && isUriReference(text);
}

function isAuthority(authority: string): boolean {
  const parts = authority.split("@");
  if (parts.length > 2) return false;
  const [first = "", second] = parts;
  if (second === undefined) return isHostAndPort(first);
  return !/[[\]]/.test(first) && isHostAndPort(second);
}

function isHostAndPort(text: string): boolean {
  if (!text.startsWith("[")) return /^[^:[\]]*(?::\d*)?$/.test(text);
  const match = /^\[([^[\]]+)\](?::\d*)?$/.exec(text);
  const address = match?.[1] ?? "";
  return isIPv6(address) || /^v[\da-f]+\.[\w.~!$&'()*+,;=:-]+$/i.test(address);
}
