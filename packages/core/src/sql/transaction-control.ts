import { codeOfStatements } from "./statements.ts";

/** Every text without one of these words is let through after one look. */
const suspicious = /\b(?:begin|start|commit|end|rollback|abort|prepare)\b/i;
const firstWords = /^\s*([a-z]+)(?:\s+([a-z]+))?(?:\s+([a-z]+))?/i;

/**
 * The statement in `text` that begins or ends a transaction, by its first words; undefined for none. Savepoints are
 * none: `SAVEPOINT`, `RELEASE` and `ROLLBACK TO` pass. What is quoted or commented out does not count, and neither does
 * what stands inside a procedure, where the server itself refuses to end a transaction that was begun outside.
 */
export function transactionControlIn(text: string): string | undefined {
  if (!suspicious.test(text)) return undefined;
  let insideBody = false;
  for (const code of codeOfStatements(text)) {
    const [, first = "", second = "", third = ""] = firstWords.exec(code)?.map(upper) ?? [];
    if (isControl(first, second, third) && !(first === "END" && insideBody))
      return `${first} ${second}`.trim();
    insideBody ||= /\bbegin\s+atomic\b/i.test(code); // the body of an SQL function: its semicolons end no statement
  }
  return undefined;
}

function isControl(first: string, second: string, third: string): boolean {
  switch (first) {
    case "BEGIN":
    case "COMMIT":
    case "END":
    case "ABORT":
      return true;
    case "START":
    case "PREPARE":
      return second === "TRANSACTION";
    case "ROLLBACK":
      return second !== "TO" && third !== "TO";
    default:
      return false;
  }
}

function upper(word: string | undefined): string {
  return word?.toUpperCase() ?? "";
}
