import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { collectCases, inboxSuite, outboxSuite, transportSuite } from "../src/index.ts";
import { memoryStoreHarness, memoryTransportHarness } from "./support/memory-harness.ts";

const contracts = new URL("../../../core/src/contracts/", import.meta.url);

/** Sentences that stand behind a dash in a comment: up to their end, or to the next dash. */
function promisesOf(text: string): readonly string[] {
  const comments = (text.match(/\/\*\*[\s\S]*?\*\//g) ?? []).map((one) =>
    one.replaceAll(/\s*\n\s*\*\s*/g, " "),
  );
  return comments.flatMap((comment) =>
    [...comment.matchAll(/(?<= )- (.+?)\.(?= )/g)].map((match) => match[1] ?? ""),
  );
}

test("every sentence of the contracts that stands behind a dash is the title of a case", () => {
  const { cases } = collectCases((runner) => {
    transportSuite(runner, memoryTransportHarness());
    outboxSuite(runner, memoryStoreHarness());
    inboxSuite(runner, memoryStoreHarness());
  });
  const titles = new Set(cases.map((one) => one.title.replace(/^\d+\. /, "")));
  const promises = readdirSync(contracts).flatMap((file) =>
    promisesOf(readFileSync(new URL(file, contracts), "utf8")),
  );
  expect(promises.length).toBeGreaterThan(25);
  expect(promises.filter((promise) => !titles.has(promise))).toEqual([]);
});
