// The same from CommonJS, `require` first.
const assert = require("node:assert/strict");

const loaded = process.argv.slice(2).map((specifier) => [specifier, require(specifier)]);
void (async () => {
  for (const [specifier, required] of loaded) {
    const imported = await import(specifier);
    const names = Object.keys(required).filter((name) => name !== "__esModule");
    assert.ok(names.length > 0, `${specifier} exports nothing`);
    for (const name of names) assert.equal(required[name], imported[name], `${specifier}: ${name} differs`);
  }
})();
