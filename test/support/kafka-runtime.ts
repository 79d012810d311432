/**
 * What a Kafka broker of the tests' own is started from: a Java runtime and the jars of Apache Kafka,
 * which Maven resolves once, from test/kafka/pom.xml, and keeps in test/kafka/target.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const POM = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
const JARS = fileURLToPath(new URL('../kafka/target/jars', import.meta.url));
const JAVA_VERSION_MIN = 17;

export type KafkaRuntime = { readonly ok: true } | { readonly ok: false; readonly reason: string };

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

/** Call before the first process; a no-op once the jars are there. */
export function prepareKafkaRuntime(): void {
  const runtime = findKafkaRuntime();
  if (!runtime.ok) throw new Error(`no Kafka broker can be started: ${runtime.reason}`);
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

/** Options of `java` for a broker and for the tools beside it. */
export const JVM_OPTIONS = [
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
