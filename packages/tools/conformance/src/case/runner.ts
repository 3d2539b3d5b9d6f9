/** What the suites need of a test runner. `vitestRunner` and `nodeTestRunner` make one; so does `collectCases`. */
export interface Runner {
  /** Opens a named group and calls `body`, now or later: the cases and the teardown registered inside belong to it. */
  suite(title: string, body: () => void): void;
  /** Registers one case. `timeoutMs` is for the runner's own limit; the case ends itself earlier, saying why. */
  test(title: string, body: () => Promise<void>, timeoutMs: number): void;
  /** Registers what runs once after the last case of the group, also when cases failed. */
  afterAll(body: () => Promise<void>, timeoutMs: number): void;
}

/** The functions of vitest (or of another runner with the same three) that a runner is made of. */
export interface VitestLike {
  /** Opens a group. */
  readonly describe: (title: string, body: () => void) => unknown;
  /** Registers a test. */
  readonly test: (title: string, body: () => Promise<void>, timeoutMs: number) => unknown;
  /** Registers what runs after the last test of the group. */
  readonly afterAll: (body: () => Promise<void>, timeoutMs: number) => unknown;
}

/** A runner over vitest's `describe`, `test` and `afterAll`. Jest's have the same shape. */
export function vitestRunner(api: VitestLike): Runner {
  return {
    suite: (title, body) => void api.describe(title, body),
    test: (title, body, timeoutMs) => void api.test(title, body, timeoutMs),
    afterAll: (body, timeoutMs) => void api.afterAll(body, timeoutMs),
  };
}

/** The functions of `node:test` that a runner is made of. */
export interface NodeTestLike {
  /** Opens a group. */
  readonly describe: (title: string, body: () => void) => unknown;
  /** Registers a test. */
  readonly test: (title: string, options: { timeout: number }, body: () => Promise<void>) => unknown;
  /** Registers what runs after the last test of the group. */
  readonly after: (body: () => Promise<void>, options: { timeout: number }) => unknown;
}

/** A runner over `describe`, `test` and `after` of `node:test`. */
export function nodeTestRunner(api: NodeTestLike): Runner {
  return {
    suite: (title, body) => void api.describe(title, body),
    test: (title, body, timeoutMs) => void api.test(title, { timeout: timeoutMs }, body),
    afterAll: (body, timeoutMs) => void api.after(body, { timeout: timeoutMs }),
  };
}
