// Takes import paths as arguments: `import` and `require` of each must give the same objects.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
for (const specifier of process.argv.slice(2)) {
  const imported = await import(specifier);
  const required = require(specifier);
  const names = Object.keys(imported);
  assert.ok(names.length > 0, `${specifier} exports nothing`);
  for (const name of names) assert.equal(required[name], imported[name], `${specifier}: ${name} differs`);
}
