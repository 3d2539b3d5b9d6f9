// Tells the started RabbitMQ what no protocol of it can tell: limits and alarms, for the tests of them.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, isExecutable, realProgram } from "./programs.mjs";
import { folderOf, readState } from "./place.mjs";

const run = promisify(execFile);

/**
 * Runs rabbitmqctl on the server that this script started, and gives what it wrote.
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
export async function rabbitmqctl(...args) {
  const state = readState("rabbitmq");
  if (state?.origin !== "native") throw new Error("rabbitmqctl needs a RabbitMQ that was started natively");
  const found = ["/usr/lib/rabbitmq/bin/rabbitmqctl", findProgram("rabbitmqctl")].find(
    (file) => file && isExecutable(file),
  );
  if (!found) throw new Error("there is no rabbitmqctl here");
  const data = join(folderOf("rabbitmq"), "data");
  const { stdout } = await run(realProgram(found), ["-q", "-n", "postrider@localhost", ...args], {
    env: {
      PATH: process.env.PATH,
      LANG: "C.UTF-8",
      // The cookie stands there.
      HOME: data,
      ERL_EPMD_PORT: String(state.ports.epmd),
      RABBITMQ_CONF_ENV_FILE: join(folderOf("rabbitmq"), "conf", "rabbitmq-env.conf"),
    },
    timeout: 30_000,
  });
  return stdout.trim();
}
