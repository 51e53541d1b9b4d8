import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_SERVICES, DEPLOYMENTS, SCALED_OBJECTS, SECRETS } from '../../src/api/resources.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { KubeObject } from '../../src/base/object.ts';
import { createNamedWatches } from '../../src/kube/named-watch.ts';
import {
  createAuthority,
  createSecretSource,
  createServingCertificate,
  serviceNames,
} from '../../src/servers/certificates/index.ts';
import { eventually } from '../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { METRIC, startMetricSource } from '../support/metric-source.ts';
import { aDeployment, aScaler, startWorld, type World } from '../support/operator.ts';

const DAY = 24 * 3_600_000;
const NAMESPACE = 'keda';
const SECRET = 'kedaorg-certs';
const names = [
  ...serviceNames('keda-operator', NAMESPACE),
  ...serviceNames('keda-metrics-apiserver', NAMESPACE),
  ...serviceNames('keda-admission-webhooks', NAMESPACE),
];
type Secret = KubeObject & { data: Record<string, string> };

let world: World;
const undo: (() => void)[] = [];
beforeAll(async () => {
  world = await startWorld({
    more: {
      certificates: { from: { kind: 'secret', name: SECRET }, names: [...names, 'localhost'], graceMs: 500 },
    },
  });
});
afterAll(async () => {
  for (const step of undo.splice(0)) step();
  await world.stop();
});

const readSecret = (name: string) => world.client.get<Secret>(SECRETS, name, { namespace: NAMESPACE });
const text = (secret: Secret, key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
const encode = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

async function store(name: string, data: Record<string, string>): Promise<void> {
  const metadata = { name, namespace: NAMESPACE };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: encode(data) };
  await world.client.patch(SECRETS, name, secret, { type: 'apply', force: true, namespace: NAMESPACE });
}

/** A replica's certificates, on the replica's own clock. */
async function replica(secret: string, clock: FakeClock = createFakeClock(Date.now())) {
  const { client } = world;
  const watches = createNamedWatches({ client, clock: systemClock, log: silentLogger });
  const options = { client, watches, namespace: NAMESPACE, secret, names, log: silentLogger };
  const source = await createSecretSource({ ...options, clock });
  undo.push(
    () => source.stop(),
    () => watches.stop(),
  );
  return source;
}

describe('certificates in a Secret', () => {
  it("are made once for all replicas, under KEDA's keys and labels", async () => {
    const sources = await Promise.all(Array.from({ length: 4 }, () => replica('raced')));
    const secret = await readSecret('raced');
    expect(Object.keys(secret.data).sort()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
    expect(secret.metadata.labels).toMatchObject({ app: 'keda-operator', 'app.kubernetes.io/part-of': 'keda' });
    for (const source of sources) expect(source.current().pair.cert).toBe(text(secret, 'tls.crt'));
    const cert = new X509Certificate(text(secret, 'tls.crt'));
    for (const name of names) expect(cert.checkHost(name)).toBe(name);
  });

  it('that KEDA made, with RSA keys, are served as they are, and signed anew by its authority when they end', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'windlass-keda-'));
    const [key = '', cert = ''] = ['ca.key', 'ca.crt'].map((file) => path.join(folder, file));
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '3650'];
    execFileSync('openssl', [...args, '-subj', '/O=KEDAORG/CN=KEDA'], { stdio: 'ignore' });
    const authority = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    rmSync(folder, { recursive: true });
    const pair = createServingCertificate(authority, names, Date.now());
    const { cert: ca, key: caKey } = authority;
    await store('of-keda', { 'ca.crt': ca, 'ca.key': caKey, 'tls.crt': pair.cert, 'tls.key': pair.key });
    const before = (await readSecret('of-keda')).metadata.resourceVersion;
    const source = await replica('of-keda');
    expect(source.current()).toEqual({ pair, authorities: ca });
    expect((await readSecret('of-keda')).metadata.resourceVersion).toBe(before);
    source.stop();
    const later = await replica('of-keda', createFakeClock(Date.now() + 280 * DAY));
    const fresh = new X509Certificate(later.current().pair.cert);
    expect(fresh.verify(new X509Certificate(ca).publicKey)).toBe(true);
    expect(later.current().authorities.trim()).toBe(ca.trim());
  });

  it('are looked at every 12 hours, and renewed by one replica for all', async () => {
    const made = Date.now();
    (await replica('timeline', createFakeClock(made))).stop();
    const first = text(await readSecret('timeline'), 'tls.crt');
    const clock = createFakeClock(made + 274 * DAY);
    const [one, two] = await Promise.all([replica('timeline', clock), replica('timeline', clock)]);
    await clock.advance(DAY / 2);
    for (const source of [one, two]) expect(source.current().pair.cert).toBe(first);
    await clock.advance(DAY);
    await eventually(() => one.current().pair.cert !== first);
    await eventually(() => two.current().pair.cert === one.current().pair.cert);
    expect(text(await readSecret('timeline'), 'tls.crt')).toBe(one.current().pair.cert);
  });

  it.each<[string, (secret: Secret) => Promise<unknown>]>([
    ['deleted', () => world.client.delete(SECRETS, 'mended-deleted', { namespace: NAMESPACE })],
    [
      'emptied',
      () => world.client.patch(SECRETS, 'mended-emptied', { data: null }, { type: 'merge', namespace: NAMESPACE }),
    ],
  ])('that were %s by hand are put back', async (how, act) => {
    const source = await replica(`mended-${how}`);
    const before = await readSecret(`mended-${how}`);
    await act(before);
    await eventually(async () => expect((await readSecret(`mended-${how}`)).data).toEqual(before.data));
    expect(source.current().pair.cert).toBe(text(before, 'tls.crt'));
  });

  it('end the start when the operator is told to stop before the API server answers', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const watches = createNamedWatches({ client: world.client, clock: systemClock, log: silentLogger });
    const options = { client: world.client, watches, namespace: NAMESPACE, secret: 'never', names, log: silentLogger };
    await expect(createSecretSource({ ...options, clock: systemClock, signal: stop.signal })).rejects.toThrow(
      'stopped',
    );
    watches.stop();
  });
});

describe('the external metrics API', () => {
  /** The certificate that the operator shows now. */
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const { host, port } = world.operator.metricsApi;
      const socket = connect({ host, port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.toString().trim() ?? '');
        socket.end();
      }).on('error', reject);
    });

  it('answers every request while its authority is replaced, twice', async () => {
    const ns = await world.namespace();
    const source = await startMetricSource(7);
    await ns.apply(aDeployment('web', 1), aScaler('web', [source.trigger()]));
    await ns.becomes(SCALED_OBJECTS, 'web', 'Ready', 'True/ScaledObjectReady');
    const expected = `${METRIC}=7`;
    await eventually(async () => expect(await ns.externalMetric('web', METRIC)).toBe(expected));

    let over = false;
    let asked = 0;
    const wrong: string[] = [];
    const load = Array.from({ length: 4 }, async () => {
      while (!over) {
        const answer = await ns.externalMetric('web', METRIC);
        asked++;
        if (answer !== expected) wrong.push(answer);
      }
    });
    const untilShown = async (cert: string) => {
      await eventually(async () => expect(await shown()).toBe(cert.trim()), 15_000);
      const more = asked + 50;
      await eventually(() => asked > more, 15_000);
    };

    // Somebody else's authority, as a KEDA operator would write it.
    const foreign = createAuthority('KEDA', Date.now());
    const pair = createServingCertificate(foreign, [...names, 'localhost'], Date.now());
    await store(SECRET, { 'ca.crt': foreign.cert, 'ca.key': foreign.key, 'tls.crt': pair.cert, 'tls.key': pair.key });
    await untilShown(pair.cert);

    // One that ends in 50 days: the operator replaces it by itself.
    const old = createAuthority('KEDA', Date.now() - 3_600 * DAY);
    const last = createServingCertificate(old, [...names, 'localhost'], Date.now());
    await store(SECRET, { 'ca.crt': old.cert, 'ca.key': old.key, 'tls.crt': last.cert, 'tls.key': last.key });
    await eventually(async () => expect(text(await readSecret(SECRET), 'tls.crt')).not.toBe(last.cert));
    const renewedPair = text(await readSecret(SECRET), 'tls.crt');
    await untilShown(renewedPair);
    over = true;
    await Promise.all(load);
    expect(wrong).toEqual([]);

    const api = await world.client.get<KubeObject & { spec: { caBundle: string } }>(
      API_SERVICES,
      'v1beta1.external.metrics.k8s.io',
    );
    const trusted = Buffer.from(api.spec.caBundle, 'base64').toString();
    expect(trusted).toContain(foreign.cert);
    expect(new X509Certificate(renewedPair).verify(new X509Certificate(trusted).publicKey)).toBe(true);
    expect(await ns.list(DEPLOYMENTS)).toHaveLength(1);
    await source.stop();
  });
});
