import type { Migration } from "./migration.ts";

/*
 * domain_event: an audit trail, written by units of work that were asked to, and by nobody changed. Rows of one unit
 * share unit_id and count by place. Nothing of ours reads it and nothing prunes it: how long it is kept, and what else
 * is indexed, is for its owner to say.
 */
export const domainJournal: Migration = {
  name: "002-domain-journal",
  sql: `
CREATE TABLE {{domain_event}} (
  unit_id text NOT NULL,
  place integer NOT NULL,
  id text NOT NULL,
  type text NOT NULL,
  data json NOT NULL,
  occurred_at timestamptz NOT NULL,
  depth integer NOT NULL,
  caused_by text,
  correlation_id text NOT NULL,
  causation_id text,
  actor text,
  tenant text,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (unit_id, place)
);
CREATE INDEX {{index domain_event_correlation}} ON {{domain_event}} (correlation_id);
`,
};
