import type { Connection } from "../../src/connection/connection.ts";
import type { ReadStatements } from "../../src/outbox/read.ts";

/** How many pages of 8 KiB the relay's read touches that begins after this number: the same on every machine. */
export async function pagesTouched(
  connection: Connection,
  reading: ReadStatements,
  after: bigint,
  maxRows: number,
): Promise<number> {
  const statements = reading.usual(after, { maxRows, maxBytes: Number.MAX_SAFE_INTEGER });
  const select = statements.at(-1) ?? "";
  const answers = await connection.script([
    ...statements.slice(0, -1),
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${select}`,
  ]);
  return touched(answers.at(-1)?.[0]?.["QUERY PLAN"]);
}

function touched(answer: unknown): number {
  const plans = (typeof answer === "string" ? JSON.parse(answer) : answer) as readonly {
    readonly Plan: Readonly<Record<string, number>>;
  }[];
  const plan = plans[0]?.Plan ?? {};
  return (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
}
