// node scripts/check-rooms.mjs [root]: every transport has the same rooms, and so has every store.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isPlaceholder, residents, roomProblems } from "./rooms/compare.mjs";
import { plans } from "./rooms/plan.mjs";

/**
 * @param {string} root
 * @param {import("./rooms/plan.mjs").Plan[]} [by]
 * @returns {{ packages: number, problems: string[], table: string }}
 */
export function checkRooms(root, by = plans) {
  const groups = by.map((plan) => ({ plan, packages: residents(root, plan) }));
  return {
    packages: groups.flatMap(({ packages }) => packages).length,
    problems: groups.flatMap(({ plan, packages }) => roomProblems(plan, packages)),
    table: groups.map(({ plan, packages }) => tableOf(plan, packages)).join("\n\n"),
  };
}

/**
 * Lines per room and package.
 * @param {import("./rooms/plan.mjs").Plan} plan
 * @param {import("./rooms/compare.mjs").Resident[]} packages
 */
function tableOf(plan, packages) {
  if (packages.length === 0) return `${plan.group}: none yet`;
  const files = [...new Set(packages.flatMap((each) => [...each.files.keys()]))].sort();
  const missing = plan.rooms.filter((room) => !room.endsWith("/") && !files.includes(room));
  const head = [plan.group, ...packages.map((each) => each.name)];
  const rows = [...files, ...missing].map((file) => [
    file,
    ...packages.map((each) => String(each.files.get(file)?.lines ?? (isPlaceholder(each) ? "" : "-"))),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {string[]} */ row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  const unbuilt = packages
    .filter(isPlaceholder)
    .map(({ name }) => `${name} exports nothing yet and was not compared`);
  return [...[head, ...rows].map((row) => line(row).join("  ")), ...unbuilt].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
  const { packages, problems, table } = checkRooms(root);
  console.log(`${table}\n`);
  for (const problem of problems) console.error(problem);
  console.log(`rooms: ${packages} packages, ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
