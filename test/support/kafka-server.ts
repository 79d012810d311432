/**
 * A real Apache Kafka broker for tests: one process in KRaft combined mode on free loopback ports,
 * its log in a temporary folder. The jars are resolved by Maven once, from test/kafka/pom.xml, and
 * kept in test/kafka/target. `stop` ends the process it started and removes the folder.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const POM = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
const JARS = fileURLToPath(new URL('../kafka/target/jars', import.meta.url));
const JAVA_VERSION_MIN = 17;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const READY_LINE = 'Kafka Server started';

export type KafkaRuntime = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface KafkaServer {
  /** `host:port`. */
  readonly brokers: string;
  stop(): Promise<void>;
}

/** Whether a broker can be started here, and if not, what is missing. */
export function findKafkaRuntime(): KafkaRuntime {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (java.error !== undefined) return { ok: false, reason: 'java is not on the PATH' };
  const version = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0);
  if (version < JAVA_VERSION_MIN) {
    return { ok: false, reason: `java ${version} is older than ${JAVA_VERSION_MIN}` };
  }
  if (jarsResolved()) return { ok: true };
  const maven = spawnSync('mvn', ['--version'], { encoding: 'utf8' });
  if (maven.error !== undefined) return { ok: false, reason: 'mvn is not on the PATH' };
  return { ok: true };
}

export async function startKafkaServer(): Promise<KafkaServer> {
  const runtime = findKafkaRuntime();
  if (!runtime.ok) throw new Error(`no Kafka broker can be started: ${runtime.reason}`);
  resolveJars();

  const folder = await mkdtemp(join(tmpdir(), 'tidegauge-kafka-'));
  const [brokerPort, controllerPort] = await freePorts();
  const configFile = join(folder, 'server.properties');
  const logFile = join(folder, 'broker.log');
  await writeFile(configFile, serverProperties({ folder, brokerPort, controllerPort }));

  let broker: ChildProcess | null = null;
  const killAtExit = (): void => void broker?.kill('SIGKILL');
  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit);
    if (broker !== null) await end(broker);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on('exit', killAtExit);
  try {
    format(configFile);
    const log = openSync(logFile, 'a');
    broker = spawn('java', [...JVM_OPTIONS, '-Xmx512m', 'kafka.Kafka', configFile], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await ready(broker, logFile);
    return { brokers: `127.0.0.1:${brokerPort}`, stop };
  } catch (error) {
    const log = existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-2_000) : '';
    await stop();
    throw new Error(`the Kafka broker did not start\n${log}`, { cause: error });
  }
}

const JVM_OPTIONS = [
  '-cp',
  join(JARS, '*'),
  '-Xms128m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server=info',
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.server=info',
];

function jarsResolved(): boolean {
  return existsSync(JARS) && readdirSync(JARS).some((name) => /^kafka_.*\.jar$/.test(name));
}

function resolveJars(): void {
  if (jarsResolved()) return;
  console.log('resolving the jars of Apache Kafka with Maven (once, about 45 MB) …');
  const maven = spawnSync(
    'mvn',
    ['-B', '-q', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${JARS}`],
    { encoding: 'utf8' },
  );
  if (maven.status !== 0) {
    throw new Error(`mvn could not resolve the Kafka jars\n${maven.stdout}${maven.stderr}`);
  }
}

function format(configFile: string): void {
  const clusterId = randomBytes(16).toString('base64url');
  const tool = spawnSync(
    'java',
    [...JVM_OPTIONS, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', configFile],
    { encoding: 'utf8' },
  );
  if (tool.status !== 0) throw new Error(`StorageTool format failed\n${tool.stdout}${tool.stderr}`);
}

/** One broker holds every replica; topics exist only when somebody made them; groups form at once. */
function serverProperties(at: {
  readonly folder: string;
  readonly brokerPort: number;
  readonly controllerPort: number;
}): string {
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${at.controllerPort}
listeners=PLAINTEXT://127.0.0.1:${at.brokerPort},CONTROLLER://127.0.0.1:${at.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${at.brokerPort}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(at.folder, 'data')}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=200
log.segment.delete.delay.ms=100
`;
}

/** Two ports that were free a moment ago; both are held until both are known. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(address !== null && typeof address === 'object' ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0]!, ports[1]!];
}

async function ready(broker: ChildProcess, logFile: string): Promise<void> {
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  while (!readFileSync(logFile, 'utf8').includes(READY_LINE)) {
    if (broker.exitCode !== null) throw new Error(`the broker exited with ${broker.exitCode}`);
    if (Date.now() > deadlineMs) throw new Error(`not ready after ${READY_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function end(broker: ChildProcess): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  const ended = new Promise((resolve) => broker.once('exit', resolve));
  const timer = setTimeout(() => broker.kill('SIGKILL'), STOP_TIMEOUT_MS);
  broker.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}
