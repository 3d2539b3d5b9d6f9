import type { Logger } from "./contracts/logger.ts";
import { shortText } from "./short-text.ts";

/** Warnings and errors on the console, nothing else: what is used when no logger is given. */
export const consoleLogger: Logger = Object.freeze({
  debug: () => {},
  info: () => {},
  warn: (message: string, context?: Readonly<Record<string, unknown>>) => print("warn", message, context),
  error: (message: string, context?: Readonly<Record<string, unknown>>) => print("error", message, context),
});

/**
 * The logger with every call guarded: one that throws, or answers a promise that is rejected, must not stop a message.
 * Texts are cut to 1,024 characters, that of the line and each of its context: the reason of a failure is as long as
 * whoever threw it made it.
 */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (message: string, context?: Readonly<Record<string, unknown>>): void => {
      try {
        const answer: unknown = logger[level](shortText(message), context && shortTexts(context));
        if (answer instanceof Promise) answer.catch(() => undefined);
      } catch {
        // nowhere left to say it
      }
    };
  return { debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") };
}

function shortTexts(context: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [
      name,
      typeof value === "string" ? shortText(value) : value,
    ]),
  );
}

function print(level: "warn" | "error", message: string, context?: Readonly<Record<string, unknown>>): void {
  console[level](`[postrider] ${message}`, ...(context === undefined ? [] : [context]));
}
