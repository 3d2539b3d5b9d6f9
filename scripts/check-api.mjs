// node scripts/check-api.mjs [--update]: the public types of every import path, as Markdown in each package's etc/.
// A change of the surface shows as a diff in review; without --update a difference fails. Needs a build.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { entryPoints, publishedPackages } from "./workspace/packages.mjs";
import { isProgram, tally } from "./workspace/tally.mjs";

/** @typedef {import("./workspace/packages.mjs").Package} Package */

/**
 * @param {string} root
 * @param {"compare" | "update"} mode
 * @returns {import("./workspace/tally.mjs").Case[]}
 */
function apiCases(root, mode) {
  return publishedPackages(root).flatMap((each) => {
    const entries = entryPoints(each);
    const reports = entries.map(({ specifier }) => `${reportName(specifier)}.api.md`);
    return [
      ...entries.map((entry) => ({
        title: entry.specifier,
        problems: entryProblems(root, each, entry, mode),
      })),
      ...strayReports(join(root, each.folder, "etc"), reports),
    ];
  });
}

/**
 * @param {string} root
 * @param {Package} each
 * @param {ReturnType<typeof entryPoints>[number]} entry
 * @param {"compare" | "update"} mode
 */
function entryProblems(root, { folder }, { specifier, types = "" }, mode) {
  const file = join(root, folder, types);
  if (!existsSync(file))
    return [`${folder}/${types} does not exist: build first, or remove the path from exports.`];
  /** @type {string[]} */
  const problems = [];
  mkdirSync(join(root, folder, "etc"), { recursive: true });
  const result = Extractor.invoke(configOf(root, folder, specifier, file), {
    localBuild: mode === "update",
    messageCallback(message) {
      message.handled = true;
      if (isProblem(message)) problems.push(describe(root, message));
    },
  });
  problems.push(
    ...undocumented(readFileSync(join(root, folder, `dist/.api/${reportName(specifier)}.api.md`), "utf8")),
  );
  return result.apiReportChanged && mode === "compare"
    ? [
        `The public types differ from ${folder}/etc/${reportName(specifier)}.api.md. Run: npm run api`,
        ...problems,
      ]
    : problems;
}

/**
 * Exports without a docstring, and members that are called without one, as the report marks them. Members that hold a
 * value may go by their name alone.
 * @param {string} report
 */
export function undocumented(report) {
  const exported = report.matchAll(/^\/\/ @public \(undocumented\)\n(?:export )?(?:abstract )?(.{1,80})/gm);
  const members = report.matchAll(/^ {4}\/\/ \(undocumented\)\n {4}(.{1,80})/gm);
  return [
    ...[...exported].map(([, declaration]) => `No docstring says what the caller gets of: ${declaration}`),
    ...[...members]
      .filter(([, member = ""]) => isCalled(member))
      .map(([, member]) => `No docstring says what a call comes to of: ${member}`),
  ];
}

/** A method, a call signature, or a property that holds a function. @param {string} member */
function isCalled(member) {
  return /^[^:(]*\(/.test(member) || /^[^:(]+: \(/.test(member);
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {string} specifier
 * @param {string} file
 */
function configOf(root, folder, specifier, file) {
  const projectFolder = join(root, folder);
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(projectFolder, "package.json"),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder,
      mainEntryPointFilePath: file,
      apiReport: {
        enabled: true,
        reportFolder: join(projectFolder, "etc"),
        reportFileName: reportName(specifier),
        reportTempFolder: join(projectFolder, "dist/.api"),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: "lf",
      // The declarations are read as a user's compiler reads them: without the condition that leads to sources.
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: "nodenext",
            target: "es2023",
            lib: ["es2023", "esnext.disposable"],
            types: ["node"],
            strict: true,
            skipLibCheck: true,
          },
          files: [file],
        },
      },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Warning } },
        extractorMessageReporting: {
          // Said in the report itself, so that it shows in review: a type that users meet and cannot name.
          default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          // Everything that is exported is public; what is not meant for users carries @internal and is stripped.
          "ae-missing-release-tag": { logLevel: ExtractorLogLevel.None },
          "ae-undocumented": { logLevel: ExtractorLogLevel.None },
          "ae-unresolved-link": { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
}

/** A report that was written or copied is what --update is for. @param {import("@microsoft/api-extractor").ExtractorMessage} message */
function isProblem({ logLevel, messageId }) {
  return (
    [ExtractorLogLevel.Error, ExtractorLogLevel.Warning].includes(logLevel) &&
    !messageId.startsWith("console-api-report-")
  );
}

/** `@postrider/core/sql` → `core-sql` @param {string} specifier */
function reportName(specifier) {
  return specifier.replace(/^@[^/]+\//, "").replaceAll("/", "-");
}

/**
 * A report whose import path is gone.
 * @param {string} folder
 * @param {string[]} expected
 */
function strayReports(folder, expected) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".api.md") && !expected.includes(name))
    .map((name) => ({
      title: join(folder, name),
      problems: ["No import path has this report. Remove the file."],
    }));
}

/**
 * @param {string} root
 * @param {import("@microsoft/api-extractor").ExtractorMessage} message
 */
function describe(root, { messageId, text, sourceFilePath, sourceFileLine }) {
  const place = sourceFilePath ? `${sourceFilePath.replace(`${root}/`, "")}:${sourceFileLine ?? 1} ` : "";
  return `${place}${text} (${messageId})`;
}

if (isProgram(import.meta)) {
  const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");
  tally("api", apiCases(root, process.argv.includes("--update") ? "update" : "compare"));
}
