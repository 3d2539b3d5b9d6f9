/**
 * Where the library says what nobody can catch. Nothing above `info` is said while all goes well. Never payloads.
 * `console`, pino and winston fit through a small wrapper.
 */
export interface Logger {
  debug(message: string, context?: Readonly<Record<string, unknown>>): void;
  info(message: string, context?: Readonly<Record<string, unknown>>): void;
  warn(message: string, context?: Readonly<Record<string, unknown>>): void;
  error(message: string, context?: Readonly<Record<string, unknown>>): void;
}
