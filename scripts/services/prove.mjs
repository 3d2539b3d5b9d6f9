// Drives each server with a raw client and looks at its sockets. One line per check.
import { selectServers, usualNames } from "./catalogue.mjs";
import { folderOf, readState } from "./place.mjs";
import { startedUrls, status } from "./index.mjs";
import { ownedBy } from "./processes.mjs";
import { isLoopback, listenersOf } from "./sockets.mjs";

/** Resolves with the exit code: 1 if any check failed. */
export async function prove(names) {
  let failures = 0;
  for (const { name } of selectServers(names, await provable())) {
    const check = async (title, work) => {
      const since = performance.now();
      try {
        const seen = await withDeadline(work());
        console.log(line("ok", name, title, seen, performance.now() - since));
      } catch (error) {
        failures++;
        console.log(line("FAIL", name, title, error.stack ?? error, performance.now() - since));
      }
    };
    await proveOne(name, check);
  }
  console.log(failures === 0 ? "all checks hold" : `${failures} failed`);
  return failures === 0 ? 0 : 1;
}

/** Without names: the usual six, and whatever else is up. */
async function provable() {
  const rows = await status();
  const more = rows.filter(
    ({ state, origin }) => state === "up" && (origin === "native" || origin === "compose"),
  );
  return [...new Set([...usualNames, ...more.map(({ name }) => name)])];
}

async function proveOne(name, check) {
  let urls;
  await check("was started by this script", async () => {
    urls = startedUrls(name);
    return urls.main.replace(/:[^:@/]+@/, ":…@");
  });
  if (!urls) return;
  if (readState(name).origin === "native")
    await check("listens on loopback only", async () => loopbackOnly(name));
  const rounds = await import(`./prove/${name.replace(/^(postgres)\d+$/, "$1")}.mjs`);
  await rounds.prove(urls, check).catch((error) =>
    check("is driven to the end", async () => {
      throw error;
    }),
  );
}

function loopbackOnly(name) {
  const owned = ownedBy(folderOf(name), readState(name).owned);
  const sockets = listenersOf(owned.map(({ pid }) => pid));
  if (sockets.length === 0) throw new Error(`${owned.length} processes, but no listening socket`);
  const open = sockets.filter(({ address }) => !isLoopback(address));
  if (open.length > 0)
    throw new Error(`open to others: ${open.map(({ address, port }) => `${address}:${port}`).join(" ")}`);
  return [...new Set(sockets.map(({ address, port }) => `${address}:${port}`))].sort().join(" ");
}

async function withDeadline(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("not done within 60 s")), 60_000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function line(verdict, name, title, seen, tookMs) {
  return `${verdict.padEnd(5)}${name.padEnd(11)}${title}${seen === undefined ? "" : `: ${seen}`} (${Math.round(tookMs)} ms)`;
}
