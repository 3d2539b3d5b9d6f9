import { styleText } from "node:util";
import type { Terminal } from "./progress.ts";
import type { Paint } from "./report.ts";

/** Colours on a terminal, unless NO_COLOR says otherwise. */
export function paintFor(stream: Terminal, env: Readonly<Record<string, string | undefined>>): Paint {
  const colours = stream.isTTY === true && (env["NO_COLOR"] ?? "") === "";
  const style = (format: "bold" | "dim" | "green" | "red") => (text: string) =>
    colours ? styleText(format, text, { validateStream: false }) : text;
  return { strong: style("bold"), faint: style("dim"), good: style("green"), bad: style("red") };
}
