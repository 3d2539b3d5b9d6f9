// Which addresses a process listens on, from the kernel's tables: what a server says of itself is not asked.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

const listening = "0A";

/** Listening TCP sockets of these processes as `{ address, port, pid }`. Needs the right to see their open files. */
export function listenersOf(pids) {
  const sockets = new Map(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => parseTable(readFileSync(file, "utf8"))),
  );
  return pids.flatMap((pid) =>
    inodesOf(pid).flatMap((inode) => (sockets.has(inode) ? [{ ...sockets.get(inode), pid }] : [])),
  );
}

export function isLoopback(address) {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}

/** The listening rows of /proc/net/tcp or tcp6: `[inode, { address, port }]`. */
export function parseTable(text) {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening)
    .map((fields) => {
      const [address, port] = fields[1].split(":");
      return [fields[9], { address: addressOf(address), port: Number.parseInt(port, 16) }];
    });
}

/** The kernel prints each 32-bit word in the machine's byte order, which is little-endian here. */
function addressOf(hex) {
  const bytes = hex.match(/.{8}/g).flatMap((word) => word.match(/../g).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  const text = bytes.join("").toLowerCase();
  if (text === `${"0".repeat(31)}1`) return "::1";
  if (/^0{32}$/.test(text)) return "::";
  if (text.startsWith("00000000000000000000ffff")) return `::ffff:${addressOf(hex.slice(24))}`;
  return text.match(/.{4}/g).join(":");
}

function inodesOf(pid) {
  let entries;
  try {
    entries = readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${entry}`).match(/^socket:\[(\d+)\]$/)?.[1] ?? [];
    } catch {
      return [];
    }
  });
}
