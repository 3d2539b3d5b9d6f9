// Which folders a user's installation is tried in, and what is loaded there.
import { entryPoints } from "../workspace/packages.mjs";

/**
 * @typedef {import("../workspace/packages.mjs").Package} Package
 * @typedef {{ title: string, packages: Package[], peers: string[], entries: string[] }} Installation
 *   `peers` are optional ones that a user adds, with their ranges.
 */

/** Import paths that want an optional peer. */
const wants = new Map([["@postrider/core/cloudevents", ["cloudevents"]]]);

/**
 * Core alone, core with its optional peers, then every other package beside core.
 * @param {Package[]} packages
 * @returns {Installation[]}
 */
export function installations(packages) {
  const core = packages.find((each) => each.kind === "core");
  if (!core) throw new Error("packages/core is missing");
  const specifiers = entryPoints(core).map((entry) => entry.specifier);
  return [
    {
      title: "core alone",
      packages: [core],
      peers: typePeers(core),
      entries: specifiers.filter((specifier) => !wants.has(specifier)),
    },
    {
      title: "core with its optional peers",
      packages: [core],
      peers: optionalPeers(core),
      entries: specifiers,
    },
    ...packages
      .filter((each) => each !== core)
      .map((each) => ({
        title: `core and ${each.name.replace("@postrider/", "")}`,
        packages: [core, each],
        peers: [...new Set([...optionalPeers(each), ...typePeers(core)])],
        entries: [core.name, ...entryPoints(each).map((entry) => entry.specifier)],
      })),
  ];
}

/** Declarations that a package asks TypeScript users for. @param {Package} each */
function typePeers(each) {
  return optionalPeers(each).filter((peer) => peer.startsWith("@types/"));
}

/** @param {Package} each */
function optionalPeers({ manifest }) {
  const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
  return Object.entries(peerDependencies)
    .filter(([name]) => peerDependenciesMeta[name]?.optional)
    .map(([name, range]) => `${name}@${range}`);
}
