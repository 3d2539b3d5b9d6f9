import { UsageError } from "../wiring/usage-error.ts";

/** Where spans and metrics go. */
export interface Exporters {
  /** The collector's address for spans; undefined for none. */
  readonly otlpUrl: string | undefined;
  readonly spans: "printed" | "silent";
  readonly metrics: "printed" | "silent";
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Exporters by the environment: a collector where its address is set or `otlp` is asked for, the terminal for `console`.
 *
 * @throws UsageError saying in one line which variable is wrong.
 */
export function chooseExporters(env: Env): Exporters {
  const traces = namesIn("OTEL_TRACES_EXPORTER", env, ["otlp", "console", "none"]);
  const metrics = namesIn("OTEL_METRICS_EXPORTER", env, ["console", "none"]);
  const endpoint = endpointFrom(env) ?? (traces.has("otlp") ? localCollector : undefined);
  return {
    otlpUrl: traces.has("none") ? undefined : endpoint,
    spans: traces.has("console") ? "printed" : "silent",
    metrics: metrics.has("console") ? "printed" : "silent",
  };
}

/** OpenTelemetry's default. */
const localCollector = "http://localhost:4318/v1/traces";

/** The names of a list such as `otlp,console`; a misspelled one would switch telemetry off without a word. */
function namesIn(variable: string, env: Env, known: readonly string[]): ReadonlySet<string> {
  const names = (env[variable] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return new Set(names);
  throw new UsageError(`${variable}: there is no exporter "${unknown}" here. Known: ${known.join(", ")}`);
}

/** The address for traces is taken as it is; the one for everything gets the path of traces. */
function endpointFrom(env: Env): string | undefined {
  const own = addressIn("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", env);
  if (own !== undefined) return own.href;
  const base = addressIn("OTEL_EXPORTER_OTLP_ENDPOINT", env);
  if (base === undefined) return undefined;
  base.pathname = `${base.pathname.replace(/\/$/, "")}/v1/traces`;
  return base.href;
}

/** The address itself is never repeated: it may hold a password. */
function addressIn(variable: string, env: Env): URL | undefined {
  const text = env[variable] ?? "";
  if (text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new UsageError(`${variable}: is no address of a collector. It must look like http://localhost:4318`);
}
