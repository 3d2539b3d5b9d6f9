/** One server of the cluster. */
export interface Host {
  readonly hostname: string;
  readonly port: number;
}

/** Where to connect, and as whom. */
export interface Address {
  readonly secure: boolean;
  readonly hosts: readonly Host[];
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

const shape = /^(amqps?):\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?$/i;

/**
 * Takes `amqp://user:password@one:5672,two/vhost` apart. What is left out: `guest` twice, `localhost`, 5672 or 5671, and
 * the vhost `/`. Percent signs are decoded. Adds a sentence to `problems` for each mistake; none of them holds a password.
 */
export function parseAddress(url: string, problems: string[]): Address {
  const parts = shape.exec(url);
  if (parts === null) {
    problems.push(
      /^amqps?:\/\//i.test(url) && /[?#]/.test(url)
        ? "url: takes no parameters after '?' or '#'; give them as options"
        : "url: must look like amqp://user:password@host:5672/vhost, or amqps://…; several hosts stand with commas between",
    );
    return { secure: false, hosts: [], username: "", password: "", vhost: "/" };
  }
  const [, scheme = "amqp", account, hostList = "", vhost] = parts;
  const secure = scheme.toLowerCase() === "amqps";
  const [username, password] = accountOf(account, problems);
  return {
    secure,
    hosts: hostList.split(",").map((text) => parseHost(text, secure ? 5671 : 5672, problems)),
    username,
    password,
    vhost: vhost === undefined || vhost === "" ? "/" : decode(vhost, "vhost", problems),
  };
}

function accountOf(account: string | undefined, problems: string[]): readonly [string, string] {
  if (account === undefined || account === "") return ["guest", "guest"];
  const colon = account.indexOf(":");
  const [username, password] =
    colon < 0 ? [account, ""] : [account.slice(0, colon), account.slice(colon + 1)];
  return [decode(username, "user name", problems), decode(password, "password", problems)];
}

function parseHost(text: string, defaultPort: number, problems: string[]): Host {
  const parts = /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::(\d+))?$/i.exec(text.trim());
  const port = Number(parts?.[2] ?? defaultPort);
  if (parts === null || port < 1 || port > 65_535)
    problems.push("url: a host must look like name:5672, with a port from 1 to 65535");
  const hostname = parts?.[1]?.replace(/^\[|\]$/g, "") ?? "";
  return { hostname: hostname === "" ? "localhost" : hostname, port };
}

function decode(text: string, what: string, problems: string[]): string {
  try {
    return decodeURIComponent(text);
  } catch {
    problems.push(`url: the ${what} has a '%' that encodes nothing; write %25 for the sign itself`);
    return text;
  }
}
