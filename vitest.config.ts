import { defineConfig, type ViteUserConfig } from "vitest/config";

// Nothing that tells `import` from `require`: these also reach Node, where they would give a CommonJS package an ES module.
const conditions = ["@postrider/source", "node"];
const tests = (name: string): string[] => [`packages/**/test/**/${name}`, `examples/*/test/**/${name}`];
const elsewhere = ["**/node_modules/**", "**/dist/**"];

export default defineConfig(async (): Promise<ViteUserConfig> => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    allowOnly: false,
    env: await startedServers(),
    coverage: {
      provider: "v8",
      include: ["packages/**/src/**/*.ts"],
      reporter: ["text-summary", "lcov"],
    },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: tests("*.test.ts"),
          exclude: [...elsewhere, "**/*.{int,crash,long}.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: tests("*.{int,crash}.test.ts"),
          exclude: elsewhere,
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: tests("*.long.test.ts"),
          exclude: elsewhere,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
}));

/** Addresses of the servers that are up now, so that vitest can also be run by hand. */
async function startedServers(): Promise<Record<string, string>> {
  const runner = new URL("scripts/runner/server-addresses.mjs", import.meta.url).href;
  const { serverAddresses }: { serverAddresses: () => Record<string, string> } = await import(runner);
  return serverAddresses();
}
