import type { Migration } from "./migration.ts";

/*
 * outbox_event: rows are inserted and deleted, never updated. Debezium's outbox router reads it unchanged.
 *   tx_id stands before seq: defaults are computed in the order of the columns, so a transaction owns its id before it
 *   draws a number. The relay's mark rests on that, and on numbers that are not cached by sessions.
 *   shard is `integer` since Debezium reads a partition column as 32 bits; payload keeps the exact bytes.
 *   aggregatetype is the channel, aggregateid the key, or the event's id where it has none.
 *   Vacuum goes by number of dead rows, since nearly all rows of a healthy outbox are dead.
 * outbox_parked: seq is of its own, in the order of parking, since the outbox's numbers may come again after a restore.
 *   Keys may be longer than PostgreSQL lets a row of an index be (2,700 bytes), so their hash is indexed.
 * outbox_lease: one row, since an outbox has one leader.
 * outbox_archive: what was published, where the store keeps it; seq is in the order of publishing.
 * inbox_message: tx_id tells the marks of the transaction that is open now from those of others.
 */
export const outboxAndInbox: Migration = {
  name: "001-outbox-and-inbox",
  sql: `
CREATE TABLE {{outbox_event}} (
  tx_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  seq bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {{outbox_event_seq_seq}} CACHE 1),
  shard integer NOT NULL,
  id text NOT NULL,
  aggregatetype text NOT NULL,
  aggregateid text NOT NULL,
  type text NOT NULL,
  payload bytea,
  source text NOT NULL,
  specversion text NOT NULL DEFAULT '1.0',
  time text,
  subject text,
  contenttype text,
  dataschema text,
  partitionkey text,
  traceparent text,
  tracestate text,
  tenant text,
  attributes json NOT NULL DEFAULT '{}',
  stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (seq)
) WITH (
  fillfactor = 100,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE {{outbox_parked}} (
  seq bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {{outbox_parked_seq_seq}}),
  shard integer NOT NULL,
  id text NOT NULL,
  aggregatetype text NOT NULL,
  aggregateid text NOT NULL,
  type text NOT NULL,
  payload bytea,
  source text NOT NULL,
  specversion text NOT NULL,
  time text,
  subject text,
  contenttype text,
  dataschema text,
  partitionkey text,
  traceparent text,
  tracestate text,
  tenant text,
  attributes json NOT NULL,
  stored_at timestamptz NOT NULL,
  status text NOT NULL CHECK (status IN ('retry', 'held', 'dead')),
  holds boolean NOT NULL,
  attempts integer NOT NULL,
  next_attempt_at timestamptz,
  last_error text,
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (seq)
);
CREATE INDEX {{index outbox_parked_key}} ON {{outbox_parked}} (hashtextextended(partitionkey, 0), seq) WHERE partitionkey IS NOT NULL;
CREATE INDEX {{index outbox_parked_due}} ON {{outbox_parked}} (next_attempt_at, seq) WHERE status = 'retry';
CREATE INDEX {{index outbox_parked_dead}} ON {{outbox_parked}} (seq) WHERE status = 'dead';

CREATE TABLE {{outbox_lease}} (
  only_row boolean NOT NULL DEFAULT true CHECK (only_row),
  owner text,
  epoch bigint NOT NULL,
  lease_until timestamptz NOT NULL,
  paused_at timestamptz,
  PRIMARY KEY (only_row)
);

CREATE TABLE {{outbox_archive}} (
  seq bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {{outbox_archive_seq_seq}}),
  shard integer NOT NULL,
  id text NOT NULL,
  aggregatetype text NOT NULL,
  aggregateid text NOT NULL,
  type text NOT NULL,
  payload bytea,
  source text NOT NULL,
  specversion text NOT NULL,
  time text,
  subject text,
  contenttype text,
  dataschema text,
  partitionkey text,
  traceparent text,
  tracestate text,
  tenant text,
  attributes json NOT NULL,
  stored_at timestamptz NOT NULL,
  published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (seq)
);
CREATE INDEX {{index outbox_archive_age}} ON {{outbox_archive}} (published_at);

CREATE TABLE {{inbox_message}} (
  consumer text NOT NULL,
  message_id text NOT NULL,
  tx_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
  processed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, message_id)
);
CREATE INDEX {{index inbox_message_age}} ON {{inbox_message}} (processed_at);
`,
};
