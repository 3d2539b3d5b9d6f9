/**
 * Where the library says what nobody can catch. Nothing above `info` is said while all goes well. Never payloads.
 * `console`, pino and winston fit through a small wrapper.
 */
export interface Logger {
  /** What a developer wants to see. */
  debug(message: string, context?: Readonly<Record<string, unknown>>): void;
  /** What is normal and rare: a retry, the end of an outage. */
  info(message: string, context?: Readonly<Record<string, unknown>>): void;
  /** What somebody should look at when it goes on. */
  warn(message: string, context?: Readonly<Record<string, unknown>>): void;
  /** What needs a person: a dead letter, a paused consumer. */
  error(message: string, context?: Readonly<Record<string, unknown>>): void;
}
