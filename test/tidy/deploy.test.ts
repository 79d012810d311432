/**
 * The files of `deploy/` and `docker-compose.yml` against the code and against rules of hygiene.
 *
 * What a container engine would find out at once is not checked here: that the images exist and start.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { prometheusName } from '../../services/platform/telemetry/prometheus-name.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly healthcheck?: unknown;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly deploy?: { readonly resources?: { readonly limits?: Readonly<Record<string, string>> } };
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Container>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const containers = Object.entries(compose.services);

/** Replay is a command, not something that runs all the time; platform and core are not services. */
const SERVICES = [
  'validator',
  'inference-worker',
  'drift-aggregator',
  'evaluator',
  'alerting',
] as const;

describe('docker-compose.yml', () => {
  test.each(SERVICES)('%s runs as its own container, hardened', (service) => {
    const container = compose.services[service]!;
    expect(container.command?.slice(0, 2)).toEqual(['run', service]);
    expect(container.command).toContain('--brokers=kafka:9092');
    expect(container.command).toContain('--redis=redis://redis:6379');
    expect(container.read_only).toBe(true);
    expect(Object.keys(container.depends_on ?? {})).toEqual(
      expect.arrayContaining(['kafka', 'redis', 'topics']),
    );
  });

  test('a folder of services/ with a shell of its own is in the compose file', () => {
    const shells = readdirSync(join(root, 'services'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .filter((name) => readdirSync(join(root, 'services', name)).includes(`${name}.ts`))
      .filter((name) => !['replay', 'redrive', 'embedded', 'profile', 'cli'].includes(name));
    expect(shells.length).toBeGreaterThan(0);
    expect(SERVICES).toEqual(expect.arrayContaining(shells));
  });

  test.each(containers)('%s: pinned image, no privileges, bounded, closed', (_, container) => {
    expect(container.image).toMatch(/^[a-z0-9./-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*$/);
    expect(container.privileged).toBeUndefined();
    expect(container.cap_drop).toEqual(['ALL']);
    expect(container.security_opt).toEqual(['no-new-privileges:true']);
    const limits = container.deploy?.resources?.limits;
    expect(Number(limits?.cpus)).toBeGreaterThan(0);
    expect(limits?.memory).toMatch(/^\d+M$/);
    for (const port of container.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(JSON.stringify(container.environment ?? {})).not.toMatch(/password|secret/i);
  });

  test('what others wait for can say that it is healthy', () => {
    for (const [name, container] of containers) {
      for (const [needed, rule] of Object.entries(container.depends_on ?? {})) {
        const target = compose.services[needed];
        expect(target, `${name} depends on ${needed}`).toBeDefined();
        if ((rule as { condition: string }).condition === 'service_healthy') {
          expect(target?.healthcheck, `${name} waits for ${needed}`).toBeDefined();
        }
      }
    }
  });

  test('every mounted path and named volume exists', () => {
    for (const [name, container] of containers) {
      for (const volume of container.volumes ?? []) {
        const source = volume.replace(/\$\{\w+:-([^}]*)\}/, '$1').split(':')[0]!;
        if (source.startsWith('./')) {
          expect(() => readdirOrRead(source), `${name}: ${source}`).not.toThrow();
        } else expect(Object.keys(compose.volumes), name).toContain(source);
      }
    }
  });

  test('Redis keeps its state: appended to a file, never evicted', () => {
    const command = compose.services.redis!.command!.join(' ');
    expect(command).toContain('--appendonly yes');
    expect(command).toContain('--maxmemory-policy noeviction');
  });

  test('the topic made is the event topic of the example', () => {
    const monitor = parse(read('deploy/examples/credit-default/monitor.yaml')) as object;
    const made = compose.services.topics!.command!.find((arg) => arg.startsWith('--topic='));
    expect(JSON.stringify(monitor)).toContain(`"${made?.slice('--topic='.length)}"`);
  });
});

describe('deploy/Dockerfile', () => {
  const stages = read('deploy/Dockerfile')
    .split(/^FROM /m)
    .slice(1);
  const final = stages.at(-1)!;

  test('the final image runs unprivileged, says whether it lives, and installs nothing', () => {
    expect(stages.length).toBeGreaterThan(1);
    for (const stage of stages) expect(stage).toMatch(/^node:20-bookworm-slim\b/);
    expect(final).toMatch(/^USER node$/m);
    expect(final).toContain('/livez');
    expect(final).toMatch(/^ENTRYPOINT \["node", "dist\/cli\/main.js"\]$/m);
    expect(final).not.toMatch(/apt-get|npm (ci|install)/);
  });

  test('what it copies is not ignored', () => {
    const allowed = read('.dockerignore')
      .match(/^!.+/gm)!
      .map((line) => line.slice(1));
    const copied = stages
      .flatMap((stage) => stage.match(/^COPY (?!--from).+/gm) ?? [])
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(copied.length).toBeGreaterThan(0);
    expect(allowed).toEqual(expect.arrayContaining(copied));
    expect(read('.dockerignore').split('\n')).toContain('*');
  });
});

describe('telemetry', () => {
  test('collector, Prometheus and Grafana refer to what is there', () => {
    const collector = parse(read('deploy/otel-collector.yaml')) as {
      readonly service: {
        readonly pipelines: Record<string, Record<string, readonly string[]>>;
      };
    } & Record<string, Record<string, unknown>>;
    for (const pipeline of Object.values(collector.service.pipelines)) {
      for (const [section, names] of Object.entries(pipeline)) {
        for (const name of names) expect(Object.keys(collector[section]!)).toContain(name);
      }
    }
    const exporters = collector.exporters as { prometheus: { endpoint: string } };
    const port = exporters.prometheus.endpoint.split(':')[1];
    expect(read('deploy/prometheus.yaml')).toContain(`"otel-collector:${port}"`);
    const sources = parse(read('deploy/grafana/provisioning/datasources/prometheus.yaml')) as {
      readonly datasources: readonly { readonly uid: string }[];
    };
    const used = read('deploy/grafana/dashboards/tidegauge.json').matchAll(/"uid": "(\w+)"/g);
    const uids = new Set([...used].map((match) => match[1]));
    expect(uids).toEqual(new Set(['tidegauge', ...sources.datasources.map(({ uid }) => uid)]));
    const providers = parse(read('deploy/grafana/provisioning/dashboards/tidegauge.yaml')) as {
      readonly providers: readonly { readonly options: { readonly path: string } }[];
    };
    for (const { options } of providers.providers) {
      expect(compose.services.grafana!.volumes).toContain(
        `./deploy/grafana/dashboards:${options.path}:ro`,
      );
    }
  });

  test('the dashboard shows metrics that a service defines, under their names in Prometheus', () => {
    const defined = definedMetrics();
    expect(defined.size).toBeGreaterThan(5);
    const shown = read('deploy/grafana/dashboards/tidegauge.json').match(/tidegauge_\w+/g) ?? [];
    expect(shown.length).toBeGreaterThan(5);
    const unknown = shown.filter((name) => !defined.has(name.replace(/_(bucket|sum|count)$/, '')));
    expect(unknown).toEqual([]);
  });
});

function definedMetrics(): Set<string> {
  const names = new Set<string>();
  for (const folder of readdirSync(join(root, 'services'))) {
    if (!/^[a-z-]+$/.test(folder)) continue;
    for (const file of readdirSync(join(root, 'services', folder))) {
      if (!file.endsWith('events.ts')) continue;
      const source = read(join('services', folder, file));
      const definitions = source.matchAll(/name: '(tidegauge\.[a-z_.]+)',[^}]*?unit: '([^']*)'/gs);
      for (const [, name, unit] of definitions) {
        for (const kind of ['counter', 'gauge', 'histogram'] as const) {
          names.add(prometheusName(name!, unit!, kind));
        }
      }
    }
  }
  return names;
}

function readdirOrRead(path: string): unknown {
  try {
    return readdirSync(join(root, path));
  } catch {
    return read(path);
  }
}
