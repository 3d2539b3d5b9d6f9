import type { CodedError } from "@postrider/core";
import { inspect } from "node:util";
import { NotConforming } from "./not-conforming.ts";

/** Fails with the sentence of the contract when `holds` is false or nothing. */
export function claim(holds: unknown, sentence: string): asserts holds {
  if (holds === undefined || holds === null || holds === false) throw new NotConforming(sentence);
}

/** Fails when two plain values differ: numbers, strings, arrays and records of them. */
export function claimEqual(actual: unknown, expected: unknown, what: string): void {
  const [seen, wanted] = [show(actual), show(expected)];
  if (seen !== wanted) throw new NotConforming(`${what}: expected ${cut(wanted)}, got ${cut(seen)}`);
}

/** Fails when two bodies differ by one byte. No body at all is not the same as a body of zero bytes. */
export function claimBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array | undefined,
  what: string,
): void {
  const same =
    actual === undefined || expected === undefined
      ? actual === expected
      : Buffer.compare(actual, expected) === 0;
  if (!same)
    throw new NotConforming(`${what}: expected ${sizeOf(expected)}, got ${sizeOf(actual)} that differ`);
}

/** Fails unless `work` rejects with an error of one of these codes. Returns that error. */
export async function claimRejects(
  work: Promise<unknown>,
  codes: readonly string[],
  what: string,
): Promise<CodedError> {
  let outcome: unknown;
  try {
    outcome = await work;
  } catch (error) {
    return claimCode(error, codes, what);
  }
  throw new NotConforming(
    `${what}: expected an error ${codes.join(" or ")}, but it resolved with ${show(outcome)}`,
  );
}

/** Fails unless `error` carries one of these codes. */
export function claimCode(error: unknown, codes: readonly string[], what: string): CodedError {
  const coded = isCoded(error) ? error : undefined;
  if (coded === undefined || !codes.includes(coded.code)) {
    throw new NotConforming(`${what}: expected an error ${codes.join(" or ")}, got ${show(error)}`, {
      cause: error,
    });
  }
  return coded;
}

function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "retryable" in error;
}

function show(value: unknown): string {
  return inspect(value, {
    depth: 6,
    sorted: true,
    maxArrayLength: null,
    maxStringLength: null,
    breakLength: 100,
  });
}

function cut(text: string): string {
  return text.length <= 600 ? text : `${text.slice(0, 600)}… (${text.length} characters)`;
}

function sizeOf(body: Uint8Array | undefined): string {
  return body === undefined ? "no body" : `${body.byteLength} bytes`;
}
