import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { AuthReaders } from '../../auth/types.ts';
import { parseDuration } from '../../base/duration.ts';
import { WindlassError } from '../../base/errors.ts';
import type { LogLevel } from '../../base/log.ts';
import { serviceNames } from '../../servers/certificates/index.ts';
import { parseBindAddress } from '../../servers/telemetry/index.ts';
import type { CommandContext } from '../command.ts';
import { parsePort } from '../port.ts';
import type { CertificateOptions } from './certificates.ts';
import type { ExplainOptions } from './explain.ts';
import type { FLAGS } from './flags.ts';
import type { OperatorOptions } from './operator.ts';
import { ownAddress } from './replicas.ts';
import type { TelemetryOptions } from './telemetry.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Name = keyof typeof FLAGS;

/** What the command line says, in the words of the operator. */
export interface ReadFlags {
  kubeconfig: string | undefined;
  context: string | undefined;
  logLevel: LogLevel;
  logEncoder: 'json' | 'console';
  /** PEM texts from --ca-dir. */
  extraCa: string[];
  file: AuthReaders['file'];
  operator: Pick<OperatorOptions, 'metricsApi' | 'certificates' | 'telemetry' | 'webhooks' | 'explain'> & {
    peers: NonNullable<OperatorOptions['replicas']>['peers'];
  };
}

/** KEDA 2.21 listens on this port for its metrics server. */
const PEER_PORT = 9_666;
const WEBHOOKS_PORT = '9443';
/** KEDA 2.21; one that is not there is passed over. */
const CA_FOLDER = '/custom/ca';

/** @throws InvalidArgument naming the flag that cannot be used */
export function readFlags(options: CommandContext['options'], env: Env, podNamespace: string): ReadFlags {
  const text = (name: Name) => options[name] as string | undefined;
  const given = (name: Name) => String(options[name]);
  const is = (name: Name) => options[name] === true;
  const reachableAt = text('reachable-at');
  const roles = rolesOf(given('roles'));
  checkNumbers(given);

  const service = given('metrics-server-service-name');
  const port = text('webhooks-port') ?? (reachableAt === undefined ? WEBHOOKS_PORT : undefined);
  const webhooks =
    roles.has('webhooks') && port !== undefined
      ? {
          host: given('webhooks-host'),
          port: parsePort(port),
          service: given('webhooks-service-name'),
          configuration: given('validating-webhook-name'),
          reachableAt,
          register: is('enable-webhook-patching'),
        }
      : undefined;
  const domain = given('k8s-cluster-domain');
  const services = [
    given('operator-service-name'),
    service,
    // KEDA 2.21 has the webhooks' names in the certificate only if it patches them.
    ...(is('enable-webhook-patching') ? [given('webhooks-service-name')] : []),
  ];
  const names = [
    ...services.flatMap((name) => serviceNames(name, podNamespace, domain)),
    ...(reachableAt === undefined ? [] : [reachableAt]),
  ];
  return {
    kubeconfig: text('kubeconfig'),
    context: text('context'),
    logLevel: levelOf(given('zap-log-level')),
    logEncoder: encoderOf(given('zap-encoder')),
    extraCa: readAuthorities((options['ca-dir'] as string[] | undefined) ?? [CA_FOLDER]),
    file: fileReader(text('filepath-auth-root-path')),
    operator: {
      metricsApi: {
        host: given('metrics-api-host'),
        port: parsePort(given('secure-port')),
        service,
        reachableAt,
        register: is('enable-apiservice-patching'),
      },
      certificates: { from: sourceOf(is('enable-cert-rotation'), reachableAt, given), names },
      telemetry: telemetryOf(is, given, reachableAt),
      webhooks,
      explain: explainOf(given('explain-bind-address')),
      peers: peersOf(text('metrics-service-bind-address'), reachableAt, env),
    },
  };
}

const ROLES = ['operator', 'metrics', 'webhooks'] as const;

function rolesOf(list: string): ReadonlySet<string> {
  const roles = list.split(',').map((role) => role.trim());
  const unknown = roles.find((role) => !(ROLES as readonly string[]).includes(role));
  if (unknown !== undefined) throw invalid('roles', list, `a list of ${ROLES.join(', ')}`);
  for (const needed of ['operator', 'metrics'])
    if (!roles.includes(needed)) throw invalid('roles', list, 'operator,metrics or operator,metrics,webhooks');
  return new Set(roles);
}

function sourceOf(
  rotation: boolean,
  reachableAt: string | undefined,
  given: (name: Name) => string,
): CertificateOptions['from'] {
  if (rotation) return { kind: 'secret', name: given('cert-secret-name') };
  // Beside a cluster nobody mounts files.
  return reachableAt === undefined ? { kind: 'folder', path: given('cert-dir') } : { kind: 'memory' };
}

function telemetryOf(
  is: (name: Name) => boolean,
  given: (name: Name) => string,
  reachableAt: string | undefined,
): TelemetryOptions {
  const at = (name: 'metrics-bind-address' | 'health-probe-bind-address') => {
    const address = parseBindAddress(given(name), `--${name}`);
    // Beside a cluster several of them may run on one machine, which is nobody else's business.
    const usual = name === 'metrics-bind-address' ? ':8080' : ':8081';
    return reachableAt !== undefined && given(name) === usual ? { host: '127.0.0.1', port: 0 } : address;
  };
  return {
    metrics: is('enable-prometheus-metrics') ? at('metrics-bind-address') : undefined,
    health: at('health-probe-bind-address'),
    highCardinality: is('enable-high-cardinality-metrics-labels'),
  };
}

function explainOf(address: string): ExplainOptions | undefined {
  const at = parseBindAddress(address, '--explain-bind-address');
  // Without a host it would be every address, which is refused.
  return at && { host: at.host ?? '0.0.0.0', port: at.port };
}

function peersOf(
  address: string | undefined,
  reachableAt: string | undefined,
  env: Env,
): ReadFlags['operator']['peers'] {
  // Beside a cluster several of them may run on one machine.
  const usual = reachableAt === undefined ? `:${PEER_PORT}` : '127.0.0.1:0';
  const at = parseBindAddress(address ?? usual, '--metrics-service-bind-address');
  if (!at) return undefined;
  const { host, port } = at;
  const everywhere = host === undefined || host === '0.0.0.0' || host === '::';
  return { host, port, reachableAt: everywhere ? ownAddress(env) : host };
}

/** KEDA 2.21 ends at once when one of these is out of range, although connections here are pooled otherwise. */
function checkNumbers(given: (name: Name) => string): void {
  for (const [name, least] of [
    ['http-max-idle-conns', 0],
    ['http-max-idle-conns-per-host', 1],
  ] as const) {
    const value = given(name);
    if (!/^\d+$/.test(value) || Number(value) < least) throw invalid(name, value, `a whole number from ${least}`);
  }
  const timeout = given('http-idle-conn-timeout');
  let ms: number | undefined;
  try {
    ms = parseDuration(timeout);
  } catch {
    ms = undefined;
  }
  if (ms === undefined || ms <= 0) throw invalid('http-idle-conn-timeout', timeout, 'a duration above 0, as in 90s');
}

/** KEDA's levels: names, or a number above 0 for debugging. */
function levelOf(level: string): LogLevel {
  if (level === 'debug' || /^[1-9]\d*$/.test(level)) return 'debug';
  if (level === 'info' || level === 'error') return level;
  if (level === 'panic') return 'error';
  throw invalid('zap-log-level', level, 'debug, info, error or a number above 0');
}

function encoderOf(encoder: string): 'json' | 'console' {
  if (encoder === 'json' || encoder === 'console') return encoder;
  throw invalid('zap-encoder', encoder, 'json or console');
}

/** Every file of the folders; KEDA 2.21 passes over folders that are not there, folders within, and names with `..`. */
function readAuthorities(folders: readonly string[]): string[] {
  const found: string[] = [];
  for (const folder of folders) {
    let entries: string[];
    try {
      entries = readdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw invalid('ca-dir', folder, 'a folder that can be read');
    }
    for (const entry of entries.sort()) {
      if (entry.startsWith('..')) continue;
      try {
        found.push(readFileSync(path.join(folder, entry), 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EISDIR')
          throw invalid('ca-dir', folder, 'files that can be read');
      }
    }
  }
  return found;
}

function fileReader(root: string | undefined): AuthReaders['file'] {
  if (!root) return undefined;
  return (relative) => readFile(path.join(root, relative), 'utf8');
}

function invalid(name: Name, value: string, allowed: string): WindlassError {
  return new WindlassError('InvalidArgument', `--${name} is "${value}"`, { hint: `give it ${allowed}` });
}
