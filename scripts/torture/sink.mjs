// The broker of this test, a process of its own: writes down what it is given, line by line, and confirms it then.
import { appendFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { createRandom } from "./random.mjs";

const [file, seed] = process.argv.slice(2);
if (file === undefined || seed === undefined) throw new Error("sink.mjs <file> <seed>");
const random = createRandom(Number(seed));
const longestDelayMs = 8;

const server = createServer((socket) => {
  socket.on("error", () => {});
  const lines = createInterface({ input: socket });
  lines.on("error", () => {});
  // A relay that is killed in the middle of a line has said nothing.
  lines.on("line", (line) => {
    const request = requestOf(line);
    if (request === undefined) return;
    appendFileSync(file, request.ids.map((id) => `${id}\n`).join(""));
    // The time in which a relay can die with a message that the broker has and it does not know of.
    setTimeout(() => socket.writable && socket.write(`${request.n}\n`), random() * longestDelayMs);
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: server.address().port }));
process.on("disconnect", () => process.exit(0));

/** @param {string} line @returns {{ n: number, ids: string[] } | undefined} */
function requestOf(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
