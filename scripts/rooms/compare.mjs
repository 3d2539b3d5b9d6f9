// Compares the packages of one group room by room: same files, same exported names.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { parseSync } from "oxc-parser";

/**
 * @typedef {import("./plan.mjs").Plan} Plan
 * @typedef {{ lines: number, names: string[] }} Room `names` are the exported ones, the package's own name as X.
 * @typedef {{ name: string, files: Map<string, Room> }} Resident
 */

/**
 * @param {string} root
 * @param {Plan} plan
 * @returns {Resident[]} packages of the group, each with its source files by path inside `src`
 */
export function residents(root, plan) {
  const folder = join(root, plan.folder);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "package.json")))
    .map(({ name }) => ({ name, files: roomsOf(join(folder, name, "src"), name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * What is missing, what is there undeclared, and which exported names differ.
 * @param {Plan} plan
 * @param {Resident[]} packages
 * @returns {string[]}
 */
export function roomProblems(plan, packages) {
  const built = packages.filter((each) => !isPlaceholder(each));
  return [
    ...built.flatMap((each) => missingRooms(plan, each)),
    ...built.flatMap((each) => undeclaredEntries(plan, each)),
    ...built.flatMap((each) => manySubfolders(plan, each)),
    ...unevenFolders(plan, built),
    ...unevenNames(plan, built),
  ];
}

/**
 * A package whose only source is an `index.ts` that exports nothing yet.
 * @param {Resident} each
 */
export function isPlaceholder({ files }) {
  return files.size === 1 && files.get("index.ts")?.names.length === 0;
}

/**
 * @param {Plan} plan
 * @param {Resident} each
 */
function missingRooms(plan, { name, files }) {
  return plan.rooms
    .filter((room) => ![...files.keys()].some((file) => isIn(room, file)))
    .map((room) => `${plan.folder}/${name}/src/${room} is missing. A room may be tiny, never absent.`);
}

/**
 * @param {Plan} plan
 * @param {Resident} each
 */
function undeclaredEntries(plan, { name, files }) {
  const known = new Set([...plan.rooms, ...plan.optional, ...(plan.own[name]?.entries ?? [])]);
  return [...new Set([...files.keys()].map(topLevel))]
    .filter((entry) => !known.has(entry))
    .map(
      (entry) =>
        `${plan.folder}/${name}/src/${entry} is not a room of ${plan.group}. Put it into a room, or list it under \`own\` in scripts/rooms/plan.mjs.`,
    );
}

/**
 * @param {Plan} plan
 * @param {Resident} each
 */
function manySubfolders(plan, { name }) {
  const folders = (plan.own[name]?.entries ?? []).filter((entry) => entry.endsWith("/"));
  if (plan.group !== "transports" || folders.length <= 1) return [];
  return [`${plan.folder}/${name} lists ${folders.length} subfolders of its own; one is the limit.`];
}

/**
 * Folders that several packages share hold the same files.
 * @param {Plan} plan
 * @param {Resident[]} packages
 */
function unevenFolders(plan, packages) {
  const shared = [...plan.rooms, ...plan.optional].filter((room) => room.endsWith("/"));
  return shared.flatMap((room) => {
    const holders = packages.filter(({ files }) => [...files.keys()].some((file) => isIn(room, file)));
    const all = new Set(holders.flatMap(({ files }) => [...files.keys()].filter((file) => isIn(room, file))));
    return [...all].sort().flatMap((file) => {
      const without = holders.filter(({ files }) => !files.has(file));
      const owners = holders.filter(({ files }) => files.has(file));
      if (without.length === 0 || owners.every(({ name }) => plan.own[name]?.entries?.includes(file)))
        return [];
      return [
        `${file} stands in ${names(owners)} and not in ${names(without)}. Give both the same statement files, or list it under \`own\` in scripts/rooms/plan.mjs.`,
      ];
    });
  });
}

/**
 * @param {Plan} plan
 * @param {Resident[]} packages
 */
function unevenNames(plan, packages) {
  const files = new Set(packages.flatMap((each) => [...each.files.keys()]));
  return [...files].sort().flatMap((file) => {
    const holders = packages.filter((each) => each.files.has(file));
    const all = new Set(holders.flatMap((each) => comparedNames(plan, each, file)));
    return holders.flatMap((each) =>
      [...all]
        .filter((name) => !comparedNames(plan, each, file).includes(name))
        .map((name) => {
          const owners = holders.filter((other) => comparedNames(plan, other, file).includes(name));
          return `${plan.folder}/${each.name}/src/${file} does not export ${name}, ${names(owners)} does (X stands for the package's name). Export the same shape, or list the name under \`own\` in scripts/rooms/plan.mjs.`;
        }),
    );
  });
}

/**
 * @param {Plan} plan
 * @param {Resident} each
 * @param {string} file
 */
function comparedNames(plan, { name, files }, file) {
  const own = plan.own[name]?.exports?.[file] ?? [];
  return (files.get(file)?.names ?? []).filter((exported) => !own.includes(exported));
}

/**
 * @param {string} source
 * @param {string} name
 * @returns {Map<string, Room>}
 */
function roomsOf(source, name) {
  if (!existsSync(source)) return new Map();
  const files = readdirSync(source, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.slice(source.length + 1).replaceAll("\\", "/"), entry.name))
    .sort();
  return new Map(files.map((file) => [file, roomOf(readFileSync(join(source, file), "utf8"), file, name)]));
}

/**
 * @param {string} text
 * @param {string} file
 * @param {string} name
 * @returns {Room}
 */
function roomOf(text, file, name) {
  const lines = text.split("\n").length - 1;
  if (!file.endsWith(".ts")) return { lines, names: [] };
  const { staticExports } = parseSync(file, text).module;
  const ownName = new RegExp(name.replaceAll("-", ""), "gi");
  const names = staticExports.flatMap(({ entries }) =>
    entries.map(({ exportName }) => (exportName.name ?? "*").replace(ownName, "X")),
  );
  return { lines, names: [...new Set(names)].sort() };
}

/**
 * @param {string} room
 * @param {string} file
 */
function isIn(room, file) {
  return room.endsWith("/") ? file.startsWith(room) : file === room;
}

/** @param {string} file */
function topLevel(file) {
  const slash = file.indexOf("/");
  return slash < 0 ? file : file.slice(0, slash + 1);
}

/** @param {Resident[]} packages */
function names(packages) {
  return packages.map((each) => each.name).join(", ");
}
