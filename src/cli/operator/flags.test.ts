import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseOptions } from '../command.ts';
import { operator } from '../commands/operator.ts';
import { IGNORED_VARIABLES, VARIABLES } from './environment.ts';
import { FLAGS, IGNORED } from './flags.ts';
import { readFlags } from './read-flags.ts';
import { runOperator } from './run.ts';

const parse = (...words: string[]) => parseOptions(operator, words, {}).options;
const read = (...words: string[]) => readFlags(parse(...words), {}, 'keda');

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('flags', () => {
  it.each<[string, string[], Record<string, unknown>]>([
    ['two dashes and a value after =', ['--metrics-bind-address=:9090'], { 'metrics-bind-address': ':9090' }],
    ['two dashes and a value after a space', ['--cert-dir', '/x'], { 'cert-dir': '/x' }],
    [
      'one dash',
      ['-zap-log-level=debug', '-zap-encoder', 'console'],
      { 'zap-log-level': 'debug', 'zap-encoder': 'console' },
    ],
    ['a boolean alone', ['--enable-cert-rotation'], { 'enable-cert-rotation': true }],
    ['a boolean that is false', ['--enable-webhook-patching=false'], { 'enable-webhook-patching': false }],
    [
      'booleans as Go reads them',
      ['--leader-elect=T', '--enable-prometheus-metrics=0'],
      { 'leader-elect': true, 'enable-prometheus-metrics': false },
    ],
    ['underscores', ['--log_dir=/tmp', '--skip_headers'], { 'log-dir': '/tmp', 'skip-headers': true }],
    ['one letter', ['--v=0', '-v', '4'], { v: '4' }],
    ['more than once', ['--ca-dir=/a', '--ca-dir=/b'], { 'ca-dir': ['/a', '/b'] }],
    ['a value that begins with a dash', ['--v', '-1'], { v: '-1' }],
    ['nothing', [], { 'enable-apiservice-patching': true, 'enable-cert-rotation': false, v: undefined }],
  ])('are read: %s', (_name, words, expected) => {
    expect(parse(...words)).toMatchObject(expected);
  });

  it.each([
    ['an unknown one', ['--leader-elekt'], 'leader-elekt'],
    ['a boolean that is none', ['--leader-elect=yes'], '--leader-elect is "yes"'],
  ])('are refused: %s', (_name, words, message) => {
    expect(() => parse(...words)).toThrow(message);
  });

  it.each([
    [
      "KEDA's operator",
      '--leader-elect --disable-compression=true --zap-log-level=info --zap-encoder=console --zap-time-encoding=rfc3339 --enable-webhook-patching=true --cert-dir=/certs --enable-cert-rotation=true --cert-secret-name=kedaorg-certs --operator-service-name=keda-operator --metrics-server-service-name=keda-operator-metrics-apiserver --webhooks-service-name=keda-admission-webhooks --k8s-cluster-name=kubernetes-default --k8s-cluster-domain=cluster.local --enable-prometheus-metrics=false --kube-api-qps=20 --kube-api-burst=30',
    ],
    [
      "KEDA's metrics server",
      '--port=8080 --secure-port=6443 --logtostderr=true --stderrthreshold=ERROR --disable-compression=true --metrics-service-address=keda-operator.keda.svc.cluster.local:9666 --client-ca-file=/certs/ca.crt --tls-cert-file=/certs/tls.crt --tls-private-key-file=/certs/tls.key --cert-dir=/certs --v=0',
    ],
    [
      "KEDA's webhooks",
      '--zap-log-level=info --zap-encoder=console --zap-time-encoding=rfc3339 --cert-dir=/certs --health-probe-bind-address=:8081 --metrics-bind-address=:8080 --port=9443 --cache-miss-to-direct-client=false',
    ],
  ])('that the Deployment of %s carries are all taken', (_name, line) => {
    expect(() => read(...line.split(' '))).not.toThrow();
  });

  it("say what KEDA's say", () => {
    const { operator: said, logEncoder } = read(
      ...'--enable-cert-rotation --cert-secret-name=mine --metrics-server-service-name=ms --k8s-cluster-domain=corp --enable-apiservice-patching=false --health-probe-bind-address=0 --zap-encoder=console'.split(
        ' ',
      ),
    );
    expect(logEncoder).toBe('console');
    expect(said).toMatchObject({
      metricsApi: { service: 'ms', port: 6443, register: false },
      certificates: { from: { kind: 'secret', name: 'mine' } },
      telemetry: { metrics: { host: undefined, port: 8080 }, health: undefined },
      webhooks: { port: 9443, configuration: 'keda-admission', register: true },
      peers: { port: 9666 },
    });
    expect(said.certificates?.names).toEqual(
      expect.arrayContaining(['ms.keda.svc.corp', 'keda-operator', 'keda-admission-webhooks.keda.svc']),
    );
  });

  it('need no fixed port and no files beside a cluster', () => {
    expect(read('--reachable-at=localhost').operator).toMatchObject({
      certificates: { from: { kind: 'memory' } },
      telemetry: { metrics: { host: '127.0.0.1', port: 0 }, health: { host: '127.0.0.1', port: 0 } },
      webhooks: undefined,
    });
    expect(read().operator.certificates?.from).toEqual({ kind: 'folder', path: '/certs' });
  });

  it.each([
    ['--zap-log-level=loud', '--zap-log-level is "loud"'],
    ['--zap-encoder=xml', '--zap-encoder is "xml"'],
    ['--http-max-idle-conns=-1', '--http-max-idle-conns is "-1"'],
    ['--http-max-idle-conns-per-host=0', '--http-max-idle-conns-per-host is "0"'],
    ['--http-idle-conn-timeout=0s', '--http-idle-conn-timeout is "0s"'],
    ['--metrics-bind-address=8080', '--metrics-bind-address is "8080"'],
    ['--secure-port=443x', '"443x" is not a port'],
    ['--roles=operator,pages', '--roles is "operator,pages"'],
    ['--roles=webhooks', '--roles is "webhooks"'],
  ])('%s ends the start with 1 and says why', async (word, message) => {
    const warned: string[] = [];
    const signal = new AbortController().signal;
    const code = await runOperator({ options: parse(word), env: {}, signal, warn: (line) => warned.push(line) });
    expect([code, warned.length]).toEqual([1, 1]);
    expect(warned[0]).toContain(`error: ${message}`);
  });

  it('name the authorities that triggers trust', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'windlass-ca-'));
    folders.push(folder);
    for (const [name, content] of [
      ['b.crt', 'B'],
      ['a.crt', 'A'],
      ['..data', 'hidden'],
    ] as const)
      writeFileSync(path.join(folder, name), content);
    mkdirSync(path.join(folder, 'within'));
    expect(read(`--ca-dir=${folder}`, '--ca-dir=/is/not/there').extraCa).toEqual(['A', 'B']);
  });

  it('name the folder whose files authentications may read', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'windlass-auth-'));
    folders.push(folder);
    writeFileSync(path.join(folder, 'x.json'), '{}');
    expect(await read(`--filepath-auth-root-path=${folder}`).file?.('x.json')).toBe('{}');
    expect(read().file).toBeUndefined();
  });

  it('have one meaning each', () => {
    expect(Object.keys(FLAGS).filter((name) => name in IGNORED)).toEqual([]);
  });
});

describe('the table of variables', () => {
  it('has every variable that the settings are read from', () => {
    const source = readFileSync(new URL('./settings.ts', import.meta.url), 'utf8');
    const read = [...source.matchAll(/(?:env\.|')((?:KEDA|WATCH|POD)_[A-Z_]+)/g)].map(([, name = '']) => name);
    const known = [...Object.keys(VARIABLES), ...Object.keys(IGNORED_VARIABLES)];
    // Names that are put together have a prefix in the source.
    expect(read.filter((name) => !known.some((each) => each === name || each.startsWith(`${name}_`)))).toEqual([]);
    expect(read.length).toBeGreaterThan(8);
  });
});
