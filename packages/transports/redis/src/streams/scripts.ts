import { createHash } from "node:crypto";
import { acquire, attend, giveUp, readOwned } from "./lua-lease.ts";
import { publish } from "./lua-publish.ts";
import { claim, extend, listOwn, readNew, readOwn } from "./lua-read.ts";
import { again, deadLetter, moveDue } from "./lua-settle.ts";
import { trim } from "./lua-trim.ts";

/*
 * What must happen at once happens in a script: Redis runs it alone, and either all of it or nothing. The clock is the
 * server's. Loaded when a connection is made, so that they can be called by their digest from the first message on.
 */

/** Names of the scripts. */
export type ScriptName =
  | "publish"
  | "again"
  | "deadLetter"
  | "moveDue"
  | "claim"
  | "extend"
  | "listOwn"
  | "readOwn"
  | "readNew"
  | "readOwned"
  | "acquire"
  | "attend"
  | "giveUp"
  | "trim";

const texts: Readonly<Record<ScriptName, string>> = {
  publish,
  again,
  deadLetter,
  moveDue,
  claim,
  extend,
  listOwn,
  readOwn,
  readNew,
  readOwned,
  acquire,
  attend,
  giveUp,
  trim,
};

/** The text of each script with the digest it is called by. */
export interface Script {
  readonly text: string;
  readonly digest: string;
}

export const scripts: Readonly<Record<ScriptName, Script>> = Object.freeze(
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [
      name,
      { text, digest: createHash("sha1").update(text).digest("hex") },
    ]),
  ) as Record<ScriptName, Script>,
);
