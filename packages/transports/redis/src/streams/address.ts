/** One server. */
export interface Host {
  readonly hostname: string;
  readonly port: number;
}

/** Where to connect, and as whom. */
export interface Address {
  readonly secure: boolean;
  /** Tried in turn. */
  readonly hosts: readonly Host[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The number of the database. */
  readonly database: number;
}

const shape = /^(rediss?):\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/(\d*))?$/i;

/**
 * Takes `redis://user:password@one:6379,two/0` apart. What is left out: no account, `localhost`, 6379, and database 0.
 * Percent signs are decoded. Adds a sentence to `problems` for each mistake; none of them holds a password.
 */
export function parseAddress(url: string, problems: string[]): Address {
  const parts = shape.exec(url);
  if (parts === null) {
    problems.push(
      /^rediss?:\/\//i.test(url) && /[?#]/.test(url)
        ? "url: takes no parameters after '?' or '#'; give them as options"
        : "url: must look like redis://user:password@host:6379/0, or rediss://…; several hosts stand with commas between",
    );
    return { secure: false, hosts: [], username: undefined, password: undefined, database: 0 };
  }
  const [, scheme = "redis", account, hostList = "", database = ""] = parts;
  const [username, password] = accountOf(account, problems);
  return {
    secure: scheme.toLowerCase() === "rediss",
    hosts: hostList.split(",").map((text) => parseHost(text, problems)),
    username,
    password,
    database: Number(database),
  };
}

/** `:password@` is a password without a user, as Redis 5 had them. */
function accountOf(
  account: string | undefined,
  problems: string[],
): readonly [username: string | undefined, password: string | undefined] {
  if (account === undefined || account === "") return [undefined, undefined];
  const colon = account.indexOf(":");
  const [username, password] =
    colon < 0 ? [account, ""] : [account.slice(0, colon), account.slice(colon + 1)];
  return [orNone(decode(username, "user name", problems)), orNone(decode(password, "password", problems))];
}

function orNone(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function parseHost(text: string, problems: string[]): Host {
  const parts = /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::(\d+))?$/i.exec(text.trim());
  const port = Number(parts?.[2] ?? 6379);
  if (parts === null || port < 1 || port > 65_535) problems.push("url: a host must look like name:6379");
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
