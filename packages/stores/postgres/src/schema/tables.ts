/** Names of one store's tables, quoted and with their schema, ready to stand in a statement. */
export interface Tables {
  readonly schema: string;
  readonly prefix: string;
  readonly event: string;
  readonly sequence: string;
  readonly parked: string;
  readonly archive: string;
  readonly lease: string;
  readonly inbox: string;
  readonly journal: string;
  readonly migration: string;
}

export const defaultSchema = "public";

export function tablesOf(schema: string, prefix: string): Tables {
  const table = (name: string): string => `"${schema}"."${prefix}${name}"`;
  return {
    schema,
    prefix,
    event: table("outbox_event"),
    sequence: table("outbox_event_seq_seq"),
    parked: table("outbox_parked"),
    archive: table("outbox_archive"),
    lease: table("outbox_lease"),
    inbox: table("inbox_message"),
    journal: table("domain_event"),
    migration: table("messaging_migration"),
  };
}

/**
 * Names go into SQL as text, so only harmless ones are taken: letters, digits, `_`, not led by a digit, and short
 * enough that PostgreSQL cuts nothing off (63 bytes, and the longest name we build has 22 after the prefix).
 */
export function problemsOfNames(schema: unknown, prefix: unknown): string[] {
  const problems: string[] = [];
  if (typeof schema !== "string" || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    problems.push("schema: must be 1 to 63 letters, digits and '_', not led by a digit");
  } else if (/^pg_/i.test(schema)) {
    problems.push("schema: names that begin with 'pg_' belong to PostgreSQL");
  }
  if (typeof prefix !== "string" || !/^([A-Za-z_][A-Za-z0-9_]{0,29})?$/.test(prefix)) {
    problems.push("tablePrefix: must be at most 30 letters, digits and '_', not led by a digit");
  }
  return problems;
}
