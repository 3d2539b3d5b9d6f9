import { MessagingError } from "@postrider/core";
import { describe, expect, test } from "vitest";
import { commitError, isUnavailable, storeError } from "../src/errors.ts";

/** Errors as pg 8.23, PGlite 0.5 and Node 24 gave them. */
const recorded: readonly (readonly [string, unknown, string, boolean])[] = [
  ["nobody listens", native("connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED"), "STORE_UNAVAILABLE", true],
  ["nobody listens on any address", aggregate("ECONNREFUSED"), "STORE_UNAVAILABLE", true],
  ["the connection was reset", native("read ECONNRESET", "ECONNRESET"), "STORE_UNAVAILABLE", true],
  ["the name is not known", native("getaddrinfo ENOTFOUND db", "ENOTFOUND"), "STORE_UNAVAILABLE", true],
  ["writing to a closed socket", native("write EPIPE", "EPIPE"), "STORE_UNAVAILABLE", true],
  ["ended without a word", new Error("Connection terminated unexpectedly"), "STORE_UNAVAILABLE", true],
  ["ended by us", new Error("Connection terminated"), "STORE_UNAVAILABLE", true],
  ["no connection in time", new Error("timeout exceeded when trying to connect"), "STORE_UNAVAILABLE", true],
  [
    "connect took too long",
    new Error("Connection terminated due to connection timeout"),
    "STORE_UNAVAILABLE",
    true,
  ],
  [
    "a client used after it broke",
    new Error("Client has encountered a connection error and is not queryable"),
    "STORE_UNAVAILABLE",
    true,
  ],
  ["a closed client", new Error("Client was closed and is not queryable"), "STORE_UNAVAILABLE", true],
  ["no answer in time", new Error("Query read timeout"), "STORE_UNAVAILABLE", true],
  ["a closed pool", new Error("Cannot use a pool after calling end on the pool"), "STORE_UNAVAILABLE", false],
  ["a closed PGlite", new Error("PGlite is closed"), "STORE_UNAVAILABLE", false],
  [
    "a PGlite closed with a call under way",
    new TypeError("Cannot read properties of undefined (reading '_PostgresSendReadyForQueryIfNecessary')"),
    "STORE_UNAVAILABLE",
    false,
  ],
  [
    "ended by the administrator",
    native("terminating connection due to administrator command", "57P01"),
    "STORE_UNAVAILABLE",
    true,
  ],
  ["shutting down", native("the database system is shutting down", "57P03"), "STORE_UNAVAILABLE", true],
  ["too many clients", native("sorry, too many clients already", "53300"), "STORE_UNAVAILABLE", true],
  ["connection failure", native("connection failure", "08006"), "STORE_UNAVAILABLE", true],
  [
    "a standby",
    native("cannot execute INSERT in a read-only transaction", "25006"),
    "STORE_UNAVAILABLE",
    true,
  ],
  [
    "a wrong password",
    native("password authentication failed for user", "28P01"),
    "STORE_ACCESS_REFUSED",
    false,
  ],
  ["a wrong database", native('database "x" does not exist', "3D000"), "STORE_ACCESS_REFUSED", false],
  ["no way in", native("no pg_hba.conf entry for host", "28000"), "STORE_ACCESS_REFUSED", false],
  [
    "no table",
    native('relation "public.outbox_event" does not exist', "42P01"),
    "STORE_SCHEMA_MISSING",
    false,
  ],
  ["no column", native('column "tenant" does not exist', "42703"), "STORE_SCHEMA_MISSING", false],
  ["no schema", native('schema "x" does not exist', "3F000"), "STORE_SCHEMA_MISSING", false],
  ["no right", native("permission denied for table outbox_event", "42501"), "STORE_FAILED", false],
  ["too long", native("canceling statement due to statement timeout", "57014"), "STORE_FAILED", true],
  ["a deadlock", native("deadlock detected", "40P01"), "STORE_FAILED", true],
  ["an aborted transaction", native("current transaction is aborted", "25P02"), "STORE_FAILED", true],
  [
    "wrapped by an ORM",
    new Error("Failed query", { cause: native("no", "42P01") }),
    "STORE_SCHEMA_MISSING",
    false,
  ],
  [
    "wrapped, and the line is down",
    new Error("Failed query", { cause: native("x", "ECONNRESET") }),
    "STORE_UNAVAILABLE",
    true,
  ],
  ["no Error at all", "strange", "STORE_FAILED", true],
  ["nothing", undefined, "STORE_FAILED", true],
];

/** Nobody's fault on the path: what meets one of these waits, and counts nothing. */
const away = new Set(["STORE_UNAVAILABLE", "STORE_ACCESS_REFUSED"]);

describe("native errors become the library's own", () => {
  test.each(recorded)("%s", (_what, error, code, retryable) => {
    const mapped = storeError(error, "read events");
    expect([mapped.code, mapped.retryable, mapped.cause]).toEqual([code, retryable, error]);
    expect(mapped.message).toMatch(/^Could not read events: \S/);
    expect(isUnavailable(error)).toBe(away.has(code));
  });

  test("an error of the library passes as it is", () => {
    const own = new MessagingError("STORE_LEASE_LOST", "taken over");
    expect(storeError(own, "park")).toBe(own);
  });

  test("what PostgreSQL quotes of the data does not get into the message", () => {
    const quoting = native('invalid input syntax for type json: "secret"', "22P02");
    const mapped = storeError(quoting, "append events");
    expect(mapped.message).toBe("Could not append events: PostgreSQL answered 22P02.");
    expect(mapped.context).toEqual({ doing: "append events", sqlState: "22P02" });
  });
});

describe("errors after the work was done", () => {
  test.each(recorded.filter(([, , code]) => away.has(code)))(
    "%s: nobody knows what became of COMMIT",
    (_what, error) => {
      const mapped = commitError(error);
      expect([mapped.code, mapped.retryable, mapped.cause]).toEqual(["STORE_OUTCOME_UNKNOWN", false, error]);
      expect(mapped.message).toMatch(/^Could not commit: .* business key/);
      expect([isUnavailable(mapped), isUnavailable(error)]).toEqual([true, true]);
    },
  );

  test("a refusal of the server is known to be a rollback, and an error of the library passes as it is", () => {
    expect(commitError(native("could not serialize access", "40001")).code).toBe("STORE_FAILED");
    const own = new MessagingError("STORE_UNAVAILABLE", "before COMMIT");
    expect(commitError(own)).toBe(own);
  });
});

function native(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

/** What Node gives when it tried several addresses of one name. */
function aggregate(code: string): Error {
  const parts = ["::1", "127.0.0.1"].map((address) => native(`connect ${code} ${address}:1`, code));
  return Object.assign(new AggregateError(parts, ""), { code });
}
