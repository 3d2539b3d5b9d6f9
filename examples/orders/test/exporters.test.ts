import { expect, test } from "vitest";
import { chooseExporters } from "../src/telemetry/exporters.ts";
import { UsageError } from "../src/wiring/usage-error.ts";

const collector = "http://localhost:4318";
const silent = { otlpUrl: undefined, spans: "silent", metrics: "silent" };

test.each([
  ["nothing", {}, silent],
  ["empty variables", { OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_TRACES_EXPORTER: "" }, silent],
  [
    "the terminal",
    { OTEL_TRACES_EXPORTER: "console", OTEL_METRICS_EXPORTER: "console" },
    { otlpUrl: undefined, spans: "printed", metrics: "printed" },
  ],
  [
    "a collector",
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector },
    { ...silent, otlpUrl: `${collector}/v1/traces` },
  ],
  [
    "a collector below a path",
    { OTEL_EXPORTER_OTLP_ENDPOINT: "https://host/otlp/" },
    { ...silent, otlpUrl: "https://host/otlp/v1/traces" },
  ],
  [
    "one for traces, which is taken as it is and goes first",
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://other:4318",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector}/spans`,
    },
    { ...silent, otlpUrl: `${collector}/spans` },
  ],
  [
    "both, by their names",
    { OTEL_TRACES_EXPORTER: "otlp, console" },
    { ...silent, otlpUrl: `${collector}/v1/traces`, spans: "printed" },
  ],
  [
    "none in spite of an address",
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" },
    silent,
  ],
])("%s", (_, env, exporters) => {
  expect(chooseExporters(env)).toEqual(exporters);
});

test.each([
  ["OTEL_TRACES_EXPORTER", "console,bogus", 'there is no exporter "bogus" here. Known: otlp, console, none'],
  ["OTEL_METRICS_EXPORTER", "otlp", 'there is no exporter "otlp" here. Known: console, none'],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "garbage", "is no address of a collector."],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "user:secret@host:4318", "is no address of a collector."],
  ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://host:4317", "must look like http://localhost:4318"],
])("%s=%s is refused, by its name and without its account", (variable, value, said) => {
  const chosen = () => chooseExporters({ [variable]: value });
  expect(chosen).toThrow(UsageError);
  expect(chosen).toThrow(`${variable}: `);
  expect(chosen).toThrow(said);
  expect(chosen).not.toThrow("secret");
});
