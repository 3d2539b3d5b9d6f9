/** As much of a stream as is needed to know what it shows. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** One line that says how far it is, written over again and again; nothing where nobody watches. */
export interface Progress {
  show(said: string): void;
  clear(): void;
}

const everyMs = 100;

export function progressOn(stream: Terminal): Progress {
  if (stream.isTTY !== true) return { show: () => {}, clear: () => {} };
  let shownAtMs = -everyMs;
  return {
    show: (said) => {
      if (performance.now() - shownAtMs < everyMs) return;
      shownAtMs = performance.now();
      stream.write(`\r\u001b[2K${said}`);
    },
    clear: () => void stream.write("\r\u001b[2K"),
  };
}

/** Writes whole lines, over whatever progress is shown at the moment. */
export function linesOn(stream: Terminal): (line: string) => void {
  const { clear } = progressOn(stream);
  return (line) => {
    clear();
    stream.write(`${line}\n`);
  };
}
