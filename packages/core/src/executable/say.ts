/** One line for people and their logs. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function complain(thrown: unknown): void {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
}
