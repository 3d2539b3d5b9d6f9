import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** A line to the database that can be cut, and that can go dead without a word. */
export interface Line {
  readonly url: string;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Passes nothing on any more and ends nothing: what a frozen server or a lost route looks like. */
  freeze(): void;
  mend(): void;
  /**
   * Once: the connection that says `text` next is reset. `lost`: before the server hears it; `answer lost`: when the
   * server has answered it, instead of passing the answer on.
   */
  cutAt(text: string, what: "lost" | "answer lost"): void;
  close(): Promise<void>;
}

export async function openLine(target: string): Promise<Line> {
  const to = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: "open" | "cut" | "frozen" = "open";
  let trap: { readonly text: string; readonly what: "lost" | "answer lost" } | undefined;

  const server: Server = createServer((near) => {
    if (state === "cut") {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(to.port), to.hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    let answerIsLost = false;
    /** True for bytes that are not to be passed on. */
    const trapped = (from: Socket, bytes: Buffer): boolean => {
      if (from === far) {
        if (answerIsLost) near.resetAndDestroy();
        return answerIsLost;
      }
      if (trap === undefined || !bytes.includes(trap.text)) return false;
      const { what } = trap;
      trap = undefined;
      answerIsLost = what === "answer lost";
      if (what === "lost") near.resetAndDestroy();
      return what === "lost";
    };
    for (const [from, into] of [pair, [far, near] as const]) {
      from.on("data", (bytes) => {
        if (state !== "frozen" && !trapped(from, bytes)) into.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => {
        pairs.delete(pair);
        if (state !== "frozen") into.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const through = new URL(target);
  through.hostname = "127.0.0.1";
  through.port = String((server.address() as AddressInfo).port);

  const endAll = (): void => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  return {
    url: through.href,
    cut: () => {
      state = "cut";
      endAll();
    },
    freeze: () => {
      state = "frozen";
    },
    cutAt: (text, what) => {
      trap = { text, what };
    },
    mend: () => {
      // What was said meanwhile is lost: nothing more can come of those connections.
      if (state === "frozen") endAll();
      state = "open";
    },
    close: async () => {
      state = "cut";
      endAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
