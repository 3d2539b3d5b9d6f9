/** The usual six, and further majors of PostgreSQL. */
export type ServerName =
  | "rabbitmq"
  | "kafka"
  | "nats"
  | "redis"
  | "postgres"
  | "mariadb"
  | "postgres16"
  | "postgres17"
  | "postgres18";

/** `native` and `compose` were started by this script; `given` stands in the environment, `found` answers on its usual port. */
export type ServerOrigin = "native" | "compose" | "given" | "found" | "none";

export type ServerResult =
  | {
      readonly name: ServerName;
      readonly ok: true;
      readonly origin: ServerOrigin;
      readonly version?: string | undefined;
      readonly url?: string | undefined;
    }
  | { readonly name: ServerName; readonly ok: false; readonly error: Error };

export interface ServerStatus {
  readonly name: ServerName;
  readonly origin: ServerOrigin;
  readonly state: "up" | "frozen" | "down" | "unreachable";
  readonly version?: string | undefined;
  /** The main process of a native server. */
  readonly pid?: number | undefined;
  readonly url?: string | undefined;
  /** Further addresses: `management` of RabbitMQ, `monitor` of NATS. */
  readonly urls?: Readonly<Record<string, string>> | undefined;
  readonly ports?: Readonly<Record<string, number>> | undefined;
}

export interface UpOptions {
  /** One line at a time, what is being done. Default: silent. */
  readonly log?: ((text: string) => void) | undefined;
  /** Whether a URL in the environment stands for the server (default) or is ignored: tests need one of their own. */
  readonly given?: "use" | "ignore" | undefined;
  /** Restricts how a server may be started. Default: native where possible, else Docker Compose. */
  readonly by?: "any" | "native" | "compose" | undefined;
}

export interface DownOptions {
  readonly log?: ((text: string) => void) | undefined;
  /** `purge` also removes data, ports and passwords. Default `keep`. */
  readonly data?: "keep" | "purge" | undefined;
}

export interface UrlOptions {
  /** Whether a server that merely answers on its usual port will do. Default `use`. */
  readonly found?: "use" | "ignore" | undefined;
}

/**
 * Brings servers up, in parallel, and says for each how it went; it rejects only for an unknown name.
 * Without names: the usual six. Safe to call twice at once, from one process or several.
 */
export function up(names?: readonly string[], options?: UpOptions): Promise<ServerResult[]>;

/** Ends servers that this script started, by their recorded processes. Without names: all of them. */
export function down(names?: readonly string[], options?: DownOptions): Promise<ServerResult[]>;

/** What is known of the servers, asked now. Without names: all seven. */
export function status(names?: readonly string[]): Promise<ServerStatus[]>;

/**
 * A URL to work with: given in the environment, else started here, else found on its usual port.
 * For `npm start`; a test uses {@link startedUrl}.
 * @throws NotStartedError if there is none.
 */
export function url(name: ServerName, options?: UrlOptions): Promise<string>;

/**
 * The URL of a server that this script started. Never a given or found one, since tests break what they use.
 * @throws NotStartedError if there is none; the message names the command that starts it.
 */
export function startedUrl(name: ServerName): string;

/** All addresses of a server that this script started: `main`, and others such as `management`. */
export function startedUrls(name: ServerName): Readonly<Record<string, string>> & { readonly main: string };

/** Ends a started server as a crash would: SIGKILL to its main process. Its data stay. Resolves when it is gone. */
export function kill(name: ServerName): Promise<void>;

/** Starts a server again, on the same ports with the same data. Resolves with its URL once it answers. */
export function start(name: ServerName): Promise<string>;

/** Stops all processes of a started server where they stand (SIGSTOP): connections stay open and silent. */
export function freeze(name: ServerName): Promise<void>;

/** Lets a frozen server run on. */
export function thaw(name: ServerName): Promise<void>;

/** A server that would have to be started here first. */
export class NotStartedError extends Error {
  constructor(name: ServerName, reason: string);
}

/** A name that does not exist; the message lists the ones that do. */
export class UnknownServerError extends Error {
  constructor(name: string);
}
