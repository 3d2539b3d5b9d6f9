// The dependency rules of this repository, one row each. A row says what it forbids and what to do instead.
import { posix } from "node:path";
import { entryPoints } from "../workspace/packages.mjs";

/**
 * @typedef {import("./modules.mjs").Module} Module
 * @typedef {import("./modules.mjs").Import} Import
 * @typedef {{ name: string, advice: string, forbids: (from: Module, to: Import) => boolean }} Rule
 */

/** @type {Rule[]} */
export const rules = [
  {
    name: "core-stands-alone",
    advice:
      "Core imports no other package of ours. Put what both need into core, or hand it in from outside.",
    forbids: (from, to) => from.owner.kind === "core" && isSibling(from, to),
  },
  {
    name: "transports-know-only-core",
    advice:
      "A transport imports @postrider/core, and in its tests the conformance suites: nothing else of ours.",
    forbids: (from, to) =>
      from.owner.kind === "transport" && isSibling(from, to) && !knows(from, to, ["core"]),
  },
  {
    name: "logic-knows-only-core",
    advice:
      "Patterns and tools import @postrider/core only. What needs a broker or a database is handed in, " +
      "or tested in a private tool, whose tests put transports and stores together.",
    forbids: (from, to) =>
      ["pattern", "tool"].includes(from.owner.kind) &&
      isSibling(from, to) &&
      !knows(from, to, putsTogether(from) ? ["core", "transport", "store"] : ["core"]),
  },
  {
    name: "stores-know-core-and-contracts",
    advice: "A store imports @postrider/core, and from the patterns types only (`import type`).",
    forbids: (from, to) =>
      from.owner.kind === "store" &&
      isSibling(from, to) &&
      !knows(from, to, to.typeOnly || from.area !== "src" ? ["core", "pattern"] : ["core"]),
  },
  {
    name: "front-door-only",
    advice: "Import the other package by its name and one of the paths in its `exports`, never by file.",
    forbids: (from, to) => entersByFile(from, to) || isClosedPath(to),
  },
  {
    name: "contracts-are-leaves",
    advice: "Files in contracts/ import their siblings only: move the type there, or out of the contract.",
    forbids: (from, to) => inCore(from, ["contracts"]) && !reachesCore(to, ["contracts"]),
  },
  {
    name: "domain-stands-alone",
    advice: "Files in domain/ import their siblings only, so that a domain model depends on nothing else.",
    forbids: (from, to) => inCore(from, ["domain"]) && !reachesCore(to, ["domain"]),
  },
  {
    name: "publish-side-never-sees-consume-side",
    advice: "Only messaging.ts sees both sides. Share through contracts/, or hand the part in.",
    forbids: (from, to) => inCore(from, publishSide) && reachesCore(to, consumeSide),
  },
  {
    name: "consume-side-never-sees-publish-side",
    advice: "Only messaging.ts sees both sides. A handler that publishes gets its publisher handed in.",
    forbids: (from, to) => inCore(from, consumeSide) && reachesCore(to, publishSide),
  },
  {
    name: "publisher-and-consumer-never-meet",
    advice:
      "What both need stands in connection.ts, topology.ts or mapping.ts; only transport.ts joins the two.",
    forbids: (from, to) =>
      from.area === "src" &&
      (from.owner.kind === "transport" || inCore(from, ["memory"])) &&
      meets(posix.basename(from.path), to),
  },
  {
    name: "nobody-imports-the-front-door-from-inside",
    advice: "index.ts is for users. Import the file that declares the name.",
    forbids: (from, to) => from.area === "src" && isOwnFrontDoor(from, to),
  },
  {
    name: "core-third-party",
    advice:
      "Core's sources import @opentelemetry/api and @standard-schema/spec only; `cloudevents` in cloudevents/ only.",
    forbids: (from, to) =>
      from.owner.kind === "core" &&
      from.area === "src" &&
      to.target.kind === "package" &&
      to.target.owner === undefined &&
      !thirdPartyOfCore(from).includes(to.target.name),
  },
  {
    name: "src-imports-are-declared",
    advice: "What src imports is installed with the package: add it to dependencies or peerDependencies.",
    forbids: (from, to) => from.area === "src" && from.owner.published && isUndeclared(from, to),
  },
  {
    name: "no-unresolvable",
    advice: "The file does not exist. Relative imports name the file with its `.ts` ending.",
    forbids: (_from, to) => to.target.kind === "file" && !to.target.exists,
  },
];

export const noCircular = {
  name: "no-circular",
  advice: "Move what both need into a third file. Types count too: a reader cannot start at either end.",
};

const publishSide = ["publish", "outbox", "relay"];
const consumeSide = ["consume", "inbox", "failure"];

/** Is this another package of the workspace, by name or by file? @type {Rule["forbids"]} */
function isSibling(from, to) {
  if (to.target.kind === "package") return to.target.owner !== undefined && to.target.owner !== from.owner;
  return to.target.kind === "file" && to.target.path.startsWith("packages/") && leavesPackage(from, to);
}

/**
 * Tests may use the tools (conformance suites, server addresses) on top of what sources may use.
 * @param {Module} from
 * @param {Import} to
 * @param {string[]} kinds
 */
function knows(from, to, kinds) {
  const allowed = from.area === "src" || from.owner.kind === "tool" ? kinds : [...kinds, "tool"];
  if (from.area !== "src" && to.target.kind === "package" && to.target.name === "@postrider/test-servers")
    return true;
  const kind = to.target.kind === "package" ? to.target.owner?.kind : kindOfFolder(to.target);
  return kind !== undefined && allowed.includes(kind);
}

/** Nobody can import these, so nothing comes to depend on a transport or a store by them. @param {Module} from */
function putsTogether({ owner, area }) {
  return owner.kind === "tool" && !owner.published && area === "test";
}

/** @param {Import["target"]} target */
function kindOfFolder(target) {
  if (target.kind !== "file") return undefined;
  const [, group = ""] = target.path.split("/");
  return { core: "core", transports: "transport", stores: "store", patterns: "pattern", tools: "tool" }[
    group
  ];
}

/** @type {Rule["forbids"]} */
function leavesPackage(from, to) {
  return to.target.kind === "file" && !to.target.path.startsWith(`${from.owner.folder}/`);
}

/** Private packages may reach the scripts of the repository, as the door to the servers does. @type {Rule["forbids"]} */
function entersByFile(from, to) {
  if (!leavesPackage(from, to) || to.target.kind !== "file") return false;
  return from.owner.published || !to.target.path.startsWith("scripts/");
}

/** @param {Import} to */
function isClosedPath({ target }) {
  if (target.kind !== "package" || target.owner === undefined) return false;
  return !entryPoints(target.owner).some(({ subpath }) => subpath === target.subpath);
}

/**
 * @param {Module} from
 * @param {string[]} folders
 */
function inCore(from, folders) {
  return (
    from.owner.kind === "core" && from.area === "src" && folders.includes(from.inside.split("/")[0] ?? "")
  );
}

/**
 * @param {Import} to
 * @param {string[]} folders
 */
function reachesCore({ target }, folders) {
  return (
    target.kind === "file" && folders.some((folder) => target.path.startsWith(`packages/core/src/${folder}/`))
  );
}

/**
 * @param {string} file
 * @param {Import} to
 */
function meets(file, { target }) {
  if (target.kind !== "file") return false;
  return [file, posix.basename(target.path)].sort().join(" ") === "consumer.ts publisher.ts";
}

/** @type {Rule["forbids"]} */
function isOwnFrontDoor(from, { target }) {
  if (target.kind === "file") return target.path === `${from.owner.folder}/src/index.ts`;
  return target.kind === "package" && target.owner === from.owner;
}

/** @param {Module} from */
function thirdPartyOfCore(from) {
  const everywhere = ["@opentelemetry/api", "@standard-schema/spec"];
  return inCore(from, ["cloudevents"]) ? [...everywhere, "cloudevents"] : everywhere;
}

/** @type {Rule["forbids"]} */
function isUndeclared(from, { target }) {
  if (target.kind !== "package" || target.owner === from.owner) return false;
  const { dependencies = {}, peerDependencies = {} } = from.owner.manifest;
  return !(target.name in dependencies) && !(target.name in peerDependencies);
}
