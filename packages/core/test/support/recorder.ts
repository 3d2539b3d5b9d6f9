import type { Logger } from "@postrider/core";

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>> | undefined;
}

/** A logger that keeps what it is told. */
export function recordingLogger(): Logger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (message: string, context?: Readonly<Record<string, unknown>>) => {
    lines.push({ level, message, context });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Resolves when `holds` answers true; looks after every turn of the event loop, and gives up with `what` after 5 s. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`Waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
