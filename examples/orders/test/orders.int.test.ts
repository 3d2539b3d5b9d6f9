import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { finds, ownDatabase } from "./support/own-database.ts";
import { lastLine, runMain, startMain } from "./support/run-main.ts";

// PGlite takes seconds to start, and more of them on a busy machine.
const limitMs = 240_000;

const sixty = {
  placed: 60,
  published: 60,
  deliveries: 66,
  duplicatesInjected: 6,
  duplicatesDropped: 6,
  deadLettered: 1,
  effects: 60,
  lost: 0,
  kills: 0,
  seconds: expect.any(Number),
};

test(
  "embedded, twice in a row: nothing is lost, each order has one effect, and every duplicate is dropped",
  async () => {
    for (const round of [1, 2]) {
      const ended = await runMain(["--orders", "60", "--json"]);
      expect({ round, code: ended.code, stderr: ended.stderr }).toEqual({ round, code: 0, stderr: "" });
      expect(lastLine(ended)).toEqual({ broker: "memory", store: "pglite", ...sixty });
    }
  },
  limitMs,
);

test(
  "on PostgreSQL, twice in a row on the same tables: the same figures, of this run alone",
  async () => {
    const url = await ownDatabase();
    for (const round of [1, 2]) {
      const ended = await runMain(["--orders", "60", "--json"], { DATABASE_URL: url });
      expect({ round, code: ended.code, stderr: ended.stderr }).toEqual({ round, code: 0, stderr: "" });
      expect(lastLine(ended)).toEqual({ broker: "memory", store: "postgres", ...sixty });
    }
  },
  limitMs,
);

test(
  "two runs on one database at a time: the second is refused with one line and exit code 2",
  async () => {
    const url = await ownDatabase();
    const ended = await Promise.all(
      [0, 1].map(() => runMain(["--orders", "300", "--json"], { DATABASE_URL: url })),
    );
    const [first, second] = ended.sort((a, b) => Number(a.code) - Number(b.code));
    expect([first?.code, second?.code]).toEqual([0, 2]);
    expect(second?.stderr).toMatch(/^DATABASE_URL: another run of this example uses this database.*\n$/);
  },
  limitMs,
);

test(
  "Ctrl-C in the middle: it drains and ends by itself with 130, and the next run on the same tables is whole",
  async () => {
    const url = await ownDatabase();
    const stopped = startMain(["--orders", "50000", "--json"], { DATABASE_URL: url });
    const shipped = () => finds(url, "SELECT FROM example_orders.orders WHERE status = 'shipped' LIMIT 1");
    await expect.poll(shipped, { timeout: 60_000 }).toBe(true);
    stopped.interrupt();
    expect(await stopped.ended).toEqual({
      code: 130,
      stdout: "",
      stderr: "Stopped. What was under way is done, and everything is closed.\n",
    });
    const next = await runMain(["--orders", "60", "--json"], { DATABASE_URL: url });
    expect(next.code).toBe(0);
    expect(lastLine(next)).toMatchObject({
      placed: 60,
      published: 60,
      effects: 60,
      lost: 0,
      deadLettered: 1,
    });
  },
  limitMs,
);

test(
  "what a newcomer sees: the figures, the reason of the dead letter, one trace as a tree, and the verdict last",
  async () => {
    const { code, stdout, stderr } = await runMain([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/ 20 {2}orders placed over HTTP/);
    expect(stdout).toMatch(/ 1 {2}retry /);
    expect(stdout).toMatch(/rejected: No carrier goes to AQ/);
    expect(stdout).toMatch(/└─ create com\.acme\.shipping/);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^lost 0, effects = placed \(20 = 20\), \d+\.\d s$/);
  },
  limitMs,
);

test(
  "spans go to the console and to a collector, and the JSON stays the last line",
  async () => {
    const collector = await startCollector();
    const ended = await runMain(["--orders", "3", "--json"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_EXPORTER: "console",
      OTEL_METRICS_EXPORTER: "console",
    });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" });
    expect(lastLine(ended)).toMatchObject({ placed: 3, effects: 3, lost: 0 });
    expect(ended.stdout).toContain("name: 'POST /orders'");
    expect(ended.stdout).toContain("messaging.process.duration");
    // Every request is traced then, not only the one that asked for it.
    expect(collector.bodies().match(/"name":"POST \/orders"/g)).toHaveLength(4);
  },
  limitMs,
);

test(
  "a wrong call ends with one line and exit code 2, before anything is started",
  async () => {
    const wrong: readonly (readonly [args: string[], env: Record<string, string>, said: RegExp])[] = [
      [["--orders", "0"], {}, /^--orders takes a whole number from 1 to 100000, not "0"/],
      [["--nope"], {}, /^Unknown option '--nope'/],
      [
        [],
        { BROKER_URL: "kafka://localhost" },
        /^BROKER_URL: the package for kafka:\/\/ is not part of this repository yet/,
      ],
      [[], { DATABASE_URL: "mysql://u:secret@h/d" }, /^DATABASE_URL: the package for mysql:\/\/ is not part/],
    ];
    for (const [args, env, said] of wrong) {
      const ended = await runMain(args, env);
      expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 2, stdout: "" });
      expect(ended.stderr).toMatch(said);
      expect(ended.stderr).toMatch(/^[^\n]+\n$/);
      expect(ended.stderr).not.toContain("secret");
    }
  },
  limitMs,
);

test("a database that cannot be reached ends it with one line and exit code 1", async () => {
  const ended = await runMain(["--json"], { DATABASE_URL: "postgres://u:secret@127.0.0.1:1/d" });
  expect(ended).toEqual({
    code: 1,
    stdout: "",
    stderr: "DATABASE_URL: the database cannot be reached (connect ECONNREFUSED 127.0.0.1:1)\n",
  });
});

test.each([
  [
    "BROKER_URL",
    "amqp://guest:secret@127.0.0.1:99999",
    "BROKER_URL: a host must look like name:5672, with a port from 1 to 65535\n",
  ],
  [
    "DATABASE_URL",
    "postgres://u:secret@127.0.0.1:99999/d",
    "DATABASE_URL: cannot be read: it must look like postgres://user:password@host:5432/database, with %xx for special characters\n",
  ],
])("%s=%s ends it with one line and exit code 2", async (variable, url, stderr) => {
  expect(await runMain(["--json"], { [variable]: url })).toEqual({ code: 2, stdout: "", stderr });
});

test("a reader that closes the pipe, as head does, ends it without a word", async () => {
  const running = startMain(["--help"]);
  running.hangUp();
  expect(await running.ended).toEqual({ code: 0, stdout: "", stderr: "" });
});

/** Takes what an exporter sends. */
async function startCollector() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, bodies: () => bodies.join("\n") };
}
