// Apache Kafka: one KRaft node, broker and controller in one process. Its jars come from Maven Central, for want of a package.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache } from "./place.mjs";
import { askVersion, findProgram, isExecutable, realProgram, runToEnd } from "./programs.mjs";
import { ask } from "./wire.mjs";

const version = "4.4.0";
/** Kafka logs through slf4j 1.7 and ships the binding with its download only. */
const binding = "2.25.5";
const leastJava = 17;
const home = join(cache, `kafka-${version}`);
const lib = join(home, "lib");
/** Written last: a folder without it is half filled. */
const stamp = join(home, "complete");

export const kafka = {
  name: "kafka",
  title: "Apache Kafka",
  portRoles: ["main", "controller"],
  innerRoles: ["controller"],
  packages: ["openjdk-17-jre-headless|openjdk-21-jre-headless", "maven"],
  bootUnits: {},
  needs: `Java ${leastJava} or later and Maven`,
  readyTimeoutMs: 90_000,
  stop: { signal: "SIGTERM", graceMs: 30_000 },
  usual: { port: 9092, url: "kafka://127.0.0.1:9092" },
  hasPackages: () => findJava() !== undefined && (existsSync(stamp) || findProgram("mvn") !== undefined),
  locate,
  install,
  configure,
  start,
  ready,
  url,
};

function locate() {
  const java = findJava();
  return java && existsSync(stamp) ? { java, owned: [realProgram(java)], version } : undefined;
}

/** The first Java that is new enough: the user's choice, the one on the path, then what is installed beside it. */
function findJava() {
  const jvms = "/usr/lib/jvm";
  const installed = existsSync(jvms)
    ? readdirSync(jvms)
        .sort()
        .map((name) => join(jvms, name, "bin", "java"))
    : [];
  const chosen = process.env.JAVA_HOME && join(process.env.JAVA_HOME, "bin", "java");
  return [chosen, findProgram("java"), ...installed].find(
    (java) =>
      java && isExecutable(java) && Number(askVersion(java, ["-version"], /version "(\d+)/)) >= leastJava,
  );
}

/** Resolved by the user's own Maven and settings; the repository's address stands nowhere here. */
async function install({ log }) {
  if (existsSync(stamp)) return;
  log(`mvn: the jars of Kafka ${version}`);
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "pom.xml"), pom());
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
  const words = [
    "-q",
    "-B",
    "-Dstyle.color=never",
    "-f",
    join(home, "pom.xml"),
    goal,
    `-DoutputDirectory=${lib}`,
    "-DincludeScope=runtime",
  ];
  await runToEnd(["mvn", ...words], { cwd: home, env: process.env, timeoutMs: 540_000 });
  writeFileSync(stamp, `${version}\n`);
}

function pom() {
  const dependency = (group, artifact, of) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${of}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.postrider</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependency("org.apache.kafka", "kafka_2.13", version)}
${dependency("org.apache.logging.log4j", "log4j-slf4j-impl", binding)}
  </dependencies>
</project>
`;
}

async function configure(place) {
  const { data, conf } = place;
  writeFileSync(join(conf, "server.properties"), settings(place));
  writeFileSync(join(conf, "log4j2.properties"), logging);
  const meta = join(data, "meta.properties");
  if (!existsSync(meta)) await format(place);
  const written = readFileSync(meta, "utf8");
  if (!written.includes("node.id=1")) throw new Error(`${meta} is not of this server:\n${written}`);
}

function format(place) {
  const clusterId = randomBytes(16).toString("base64url");
  const words = ["format", "--cluster-id", clusterId, "--config", join(place.conf, "server.properties")];
  return place.run(java(place, "kafka.tools.StorageTool", words));
}

function settings({ data, ports }) {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports.controller}
listeners=PLAINTEXT://127.0.0.1:${ports.main},CONTROLLER://127.0.0.1:${ports.controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${ports.main}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
`;
}

const logging = `rootLogger.level = INFO
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d] %p %m (%c)%n
`;

function start(place) {
  return [{ role: "server", argv: java(place, "kafka.Kafka", [join(place.conf, "server.properties")]) }];
}

function java({ programs, conf }, main, words) {
  const logs = `-Dlog4j2.configurationFile=${join(conf, "log4j2.properties")}`;
  return [
    programs.java,
    "-Xms128m",
    "-Xmx512m",
    "-Djava.awt.headless=true",
    logs,
    "-cp",
    join(lib, "*"),
    main,
    ...words,
  ];
}

/** Ready once its metadata name a broker: the port opens before the broker has joined its own cluster. */
async function ready({ ports }) {
  const metadata = Buffer.alloc(18);
  metadata.writeInt32BE(14, 0); // bytes that follow
  metadata.writeInt16BE(3, 4); // Metadata
  metadata.writeInt16BE(1, 6); // version
  metadata.writeInt32BE(7, 8); // correlation id
  metadata.writeInt16BE(-1, 12); // no client id
  metadata.writeInt32BE(0, 14); // about no topic
  const brokers = await ask({
    port: ports.main,
    request: metadata,
    accept: (bytes) => (bytes.length < 12 || bytes.readInt32BE(4) !== 7 ? undefined : bytes.readInt32BE(8)),
  });
  if (brokers < 1) throw new Error("the broker is not in its own metadata yet");
}

function url({ ports }) {
  return `kafka://127.0.0.1:${ports.main}`;
}
