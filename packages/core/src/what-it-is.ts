/** What something is, with its article, for the sentence that refuses it: its kind, and nothing of what is in it. */
export function whatItIs(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
