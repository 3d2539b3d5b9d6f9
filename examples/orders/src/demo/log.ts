import type { Logger } from "@postrider/core";

/** Warnings and errors of the services. A poisoned order is expected here: nobody is shown them in a good run. */
export interface Log {
  readonly logger: Logger;
  /** A line that came from elsewhere. */
  add(line: string): void;
  /** The last lines. */
  lines(): readonly string[];
}

const maxLines = 50;

/** `show` gets each line as it comes. */
export function createLog(show: (line: string) => void): Log {
  const lines: string[] = [];
  const add = (line: string) => {
    lines.push(line);
    if (lines.length > maxLines) lines.shift();
    show(line);
  };
  const at =
    (level: string) =>
    (message: string, context: Readonly<Record<string, unknown>> = {}): void =>
      add(`[${level}] ${message} ${JSON.stringify(context)}`);
  return {
    logger: { debug: () => {}, info: () => {}, warn: at("warn"), error: at("error") },
    add,
    lines: () => lines,
  };
}
