/** Which transport a URL asks for. */
const kinds: Readonly<Record<string, string>> = {
  amqp: "rabbitmq",
  amqps: "rabbitmq",
  kafka: "kafka",
  nats: "nats",
  tls: "nats",
  redis: "redis",
  rediss: "redis",
  memory: "memory",
};

/** The kind of transport behind a URL; its scheme itself for schemes that are not ours; undefined for no URL. */
export function kindOfUrl(url: string): string | undefined {
  // `localhost:5672` has none: what stands before its colon is a host, or a user.
  const scheme = /^([a-z][a-z0-9+.-]*):(?:\/\/|$)/i.exec(url)?.[1]?.toLowerCase();
  return scheme !== undefined && Object.hasOwn(kinds, scheme) ? kinds[scheme] : scheme;
}

/** The schemes that lead to one of these kinds, for a message. */
export function schemesOf(loaded: readonly string[]): string[] {
  return Object.entries(kinds).flatMap(([scheme, kind]) => (loaded.includes(kind) ? [`${scheme}://`] : []));
}

export function isOurKind(kind: string): boolean {
  return Object.values(kinds).includes(kind);
}

/** Everything that a broker of ours can be asked for by: schemes and kinds. */
export function ourNames(): readonly string[] {
  return [...new Set([...Object.keys(kinds), ...Object.values(kinds)])];
}
