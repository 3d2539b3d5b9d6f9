import type { Logger } from "./contracts/logger.ts";

/** Warnings and errors on the console, nothing else: what is used when no logger is given. */
export const consoleLogger: Logger = Object.freeze({
  debug: () => {},
  info: () => {},
  warn: (message: string, context?: Readonly<Record<string, unknown>>) => print("warn", message, context),
  error: (message: string, context?: Readonly<Record<string, unknown>>) => print("error", message, context),
});

/** The logger with every call guarded: one that throws must not stop a message. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (message: string, context?: Readonly<Record<string, unknown>>): void => {
      try {
        logger[level](message, context);
      } catch {
        // nowhere left to say it
      }
    };
  return { debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") };
}

function print(level: "warn" | "error", message: string, context?: Readonly<Record<string, unknown>>): void {
  console[level](`[postrider] ${message}`, ...(context === undefined ? [] : [context]));
}
