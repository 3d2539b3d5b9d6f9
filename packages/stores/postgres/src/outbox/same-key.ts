/** Two rows are of one key. By the hash the index finds them, and the keys themselves decide. */
export function sameKey(a: string, b: string): string {
  return (
    `hashtextextended(${a}.partitionkey, 0) = hashtextextended(${b}.partitionkey, 0) ` +
    `AND ${a}.partitionkey = ${b}.partitionkey AND ${a}.aggregatetype = ${b}.aggregatetype`
  );
}
