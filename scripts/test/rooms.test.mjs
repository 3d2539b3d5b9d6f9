// Takes a room away from a clean tree, or plants one too many: the check must say which.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkRooms } from "../check-rooms.mjs";
import { plans } from "../rooms/plan.mjs";

const fixtures = fileURLToPath(new URL("fixtures/rooms", import.meta.url));
const command = fileURLToPath(new URL("../check-rooms.mjs", import.meta.url));

/** @type {string[]} */
const trees = [];
after(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

test("packages with the same rooms and the same exported shapes pass", () => {
  const { packages, problems, table } = checkRooms(treeWith("clean"));
  assert.equal(packages, 4);
  assert.deepEqual(problems, []);
  assert.match(table, /transports +pigeon +raven\n/);
  assert.match(table, /stores +ledger +tablet\n/);
});

for (const plan of plans) {
  for (const room of plan.rooms) {
    test(`${plan.group}: a missing ${room} is named`, () => {
      const tree = treeWith("clean");
      const name = plan.group === "transports" ? "raven" : "tablet";
      rmSync(join(tree, plan.folder, name, "src", room), { recursive: true });
      assert.match(checkRooms(tree).problems.join("\n"), new RegExp(`${name}/src/${room} is missing`));
    });
  }
}

const planted = [
  ["extra-file", /raven\/src\/helpers\.ts is not a room/],
  ["extra-folder", /tablet\/src\/lua\/ is not a room/],
  ["different-name", /raven\/src\/transport\.ts does not export createXTransport, pigeon does/],
  ["more-names", /pigeon\/src\/mapping\.ts does not export mapBack, raven does/],
  ["uneven-statements", /outbox\/park\.ts stands in tablet and not in ledger/],
];
for (const [folder, expected] of planted) {
  test(`${folder} is named`, () => {
    assert.match(checkRooms(treeWith(folder)).problems.join("\n"), expected);
  });
}

test("what is listed as a package's own is no problem", () => {
  const own = {
    raven: { entries: ["helpers.ts"] },
    tablet: { entries: ["lua/", "outbox/park.ts"] },
  };
  const tree = treeWith("extra-file", "extra-folder", "uneven-statements");
  const declared = plans.map((plan) => ({ ...plan, own }));
  assert.deepEqual(checkRooms(tree, declared).problems, []);
});

test("a transport may have one subfolder of its own, not two", () => {
  const own = { raven: { entries: ["lua/", "drivers/"] } };
  const { problems } = checkRooms(
    treeWith("clean"),
    plans.map((plan) => ({ ...plan, own })),
  );
  assert.match(problems.join("\n"), /lists 2 subfolders/);
});

test("a package that exports nothing yet is named as not compared", () => {
  const { problems, table } = checkRooms(treeWith("placeholder"));
  assert.deepEqual(problems, []);
  assert.match(table, /abacus exports nothing yet and was not compared/);
});

test("the command exits 0 on a clean tree and 1 on an extra room", () => {
  assert.equal(spawnSync(process.execPath, [command, treeWith("clean")]).status, 0);
  assert.equal(spawnSync(process.execPath, [command, treeWith("extra-file")]).status, 1);
});

/** @param {...string} folders */
function treeWith(...folders) {
  const tree = mkdtempSync(join(tmpdir(), "rooms-"));
  trees.push(tree);
  for (const folder of ["clean", ...folders]) cpSync(join(fixtures, folder), tree, { recursive: true });
  return tree;
}
