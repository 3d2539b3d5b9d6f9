// node scripts/check-boundaries.mjs [root]: who may import whom. Exit code 1 on a violation, or when nothing was read.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { importCycles } from "./boundaries/cycles.mjs";
import { readModules } from "./boundaries/modules.mjs";
import { noCircular, rules } from "./boundaries/rules.mjs";

/**
 * Everything that breaks a rule below `root`, and how much was looked at.
 * @param {string} root
 * @returns {{ modules: number, imports: number, violations: { rule: string, text: string }[] }}
 */
export function checkBoundaries(root) {
  const { modules, broken } = readModules(root);
  const violations = [
    ...broken.map((text) => ({ rule: "no-unresolvable", text: `${text}\n  The file does not parse.` })),
    ...modules.flatMap(brokenRules),
    ...importCycles(modules).map((cycle) => ({
      rule: noCircular.name,
      text: `${cycle[0]} imports itself: ${[...cycle, cycle[0]].join(" -> ")}\n  no-circular: ${noCircular.advice}`,
    })),
  ];
  return { modules: modules.length, imports: modules.flatMap((each) => each.imports).length, violations };
}

/** @param {import("./boundaries/modules.mjs").Module} from */
function brokenRules(from) {
  return from.imports.flatMap((to) =>
    rules
      .filter((rule) => rule.forbids(from, to))
      .map(({ name, advice }) => ({
        rule: name,
        text: `${from.path}:${to.line} imports "${to.specifier}"\n  ${name}: ${advice}`,
      })),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
  const { modules, imports, violations } = checkBoundaries(root);
  for (const { text } of violations) console.error(`${text}\n`);
  if (modules === 0) console.error(`No module found below ${root}: a check of nothing proves nothing.`);
  console.log(
    `boundaries: ${modules} modules, ${imports} imports, ${rules.length + 1} rules, ${violations.length} violations`,
  );
  process.exitCode = modules === 0 || violations.length > 0 ? 1 : 0;
}
