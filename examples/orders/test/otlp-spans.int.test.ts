import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import { otlpSpans } from "../src/telemetry/otlp-spans.ts";
import { runMain } from "./support/run-main.ts";

/** A collector that answers as the test says; resolves with its address. */
async function collector(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Ends `spans` spans, shuts down, and says what was lost and how long that took. */
async function send(url: string, spans: number) {
  const otlp = otlpSpans(url);
  const provider = new BasicTracerProvider({ spanProcessors: [otlp.processor] });
  const tracer = provider.getTracer("test");
  for (let n = 0; n < spans; n += 1) tracer.startSpan(`span ${n}`).end();
  const fromMs = performance.now();
  await provider.shutdown();
  return { lost: otlp.lost(), tookMs: performance.now() - fromMs };
}

test("a collector that takes the spans: nothing is said", async () => {
  const url = await collector((_, response) => response.end());
  expect((await send(url, 1_000)).lost).toBeUndefined();
});

test("a collector that is not there: it takes no more than a few seconds, and says how many, where to and why", async () => {
  const url = await collector(() => {});
  const gone = url.replace(/\d+$/, "1");
  const { lost, tookMs } = await send(`${gone.replace("//", "//user:secret@")}/v1/traces`, 1_000);
  expect(lost).toBe(
    `1000 of 1000 spans could not be sent to ${gone}/v1/traces (connect ECONNREFUSED 127.0.0.1:1)`,
  );
  expect(tookMs).toBeLessThan(4_000);
});

test("a collector that never answers is not waited for, one that refuses is quoted, and both are told", async () => {
  const silent = await send(await collector(() => {}), 1);
  expect(silent.lost).toMatch(/^1 of 1 spans could not be sent to .*\(Request timed out\)$/);
  expect(silent.tookMs).toBeLessThan(4_000);
  const refusing = await collector((_, response) => response.writeHead(404).end());
  expect((await send(refusing, 1)).lost).toContain("(404 Not Found)");
});

test("what a queue has no room for is lost too", async () => {
  const url = await collector((_, response) => response.end());
  expect((await send(url, 5_000)).lost).toMatch(/^\d+ of 5000 spans .* \(the queue was full\)$/);
});

test("a run without a collector is whole, and ends with one line on stderr", async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
  const ended = await runMain(["--orders", "5", "--json"], env);
  expect(ended.code).toBe(0);
  expect(ended.stderr).toMatch(
    /^orders-example: (\d+) of \1 spans could not be sent to http:\/\/127.0.0.1:1\/v1\/traces \(.*\)\n$/,
  );
}, 120_000);

test.each([
  ["OTEL_TRACES_EXPORTER", "bogus"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "garbage"],
])(
  "%s=%s ends with one line and exit code 2",
  async (variable, value) => {
    const ended = await runMain([], { [variable]: value });
    expect(ended).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(`^${variable}: .*\n$`),
    });
  },
  60_000,
);
