import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

/*
 * A program that does nothing but await a publish: what it waits for is no open handle, and Node would end it there.
 */

const opening = `
  import { createMessaging, defineEvent, memory } from "@postrider/core";
  import * as z from "zod";
  const Ticked = defineEvent("com.acme.ticks.ticked.v1", { data: z.object({ n: z.number() }) });
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const transport = memory();
  const start = (publisher = {}) => createMessaging({
    source: "/a", logger, broker: { ...transport, publisher: { ...transport.publisher, ...publisher } },
  });
`;

/** A broker's client whose socket is unref'd, which answers after a while. */
const unrefd = `{ publish: (batch, bounds) => new Promise((resolve) =>
  setTimeout(() => resolve(transport.publisher.publish(batch, bounds)), 200).unref()) }`;

test("a publish under way keeps the process alive, and the process ends when it is over, without a close", () => {
  const program = `${opening}
    const messaging = await start(${unrefd});
    await messaging.publish(Ticked({ n: 1 }));
    console.log("confirmed");
    const results = await messaging.publishBatch([Ticked({ n: 2 }), Ticked({ n: 3 })]);
    console.log(results.map(({ status }) => status).join());
  `;
  expect(run(program)).toEqual({ status: 0, stdout: "confirmed\nconfirmed,confirmed\n", stderr: "" });
});

test("a publish that the broker never answers keeps the process alive until its deadline, and no longer", () => {
  const program = `${opening}
    const messaging = await start({ publish: () => new Promise(() => {}) });
    await messaging.publish(Ticked({ n: 1 }), { deadlineMs: 200 }).catch(({ code }) => console.log(code));
  `;
  expect(run(program)).toEqual({ status: 0, stdout: "TRANSPORT_OUTCOME_UNKNOWN\n", stderr: "" });
});

test("a publish keeps the process alive while its schema takes its time, also one that never answers", () => {
  const program = `${opening}
    const validate = () => new Promise(() => {});
    const schema = { "~standard": { version: 1, vendor: "test", validate } };
    const messaging = await start();
    const Slow = defineEvent("com.acme.ticks.slow.v1", { data: schema });
    await messaging.publish(Slow({}), { deadlineMs: 200 }).catch(({ code }) => console.log(code));
  `;
  expect(run(program)).toEqual({ status: 0, stdout: "TRANSPORT_DEADLINE\n", stderr: "" });
});

function run(program: string) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--conditions=@postrider/source",
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "--eval",
      program,
    ],
    { cwd: import.meta.dirname, encoding: "utf8", timeout: 20_000 },
  );
  return { status, stdout, stderr };
}
