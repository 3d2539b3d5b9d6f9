/**
 * One step of the schema. Once released it never changes: its checksum stands in every database that has it. Steps
 * only add within a major version, so that an older version of the library still works on the newer schema.
 * `{{name}}` is a table, `{{index name}}` the name of an index; the rest is SQL for PostgreSQL 14 and later.
 */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}
