import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { Container } from '../controllers/kinds.ts';
import { check, startProbes } from './probes.ts';

let server: Server;
let port: number;
beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/never') return;
    response.statusCode = Number(request.url?.slice(1)) || 200;
    if (request.headers['x-key'] === 'wrong') response.statusCode = 403;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const context = { clock: systemClock, env: { PATH: process.env.PATH ?? '' }, cwd: '/' };
const container = (): Container => ({ name: 'c', ports: [{ name: 'web', containerPort: port }] });

describe('one check', () => {
  it.each([
    ['200', undefined],
    ['302', undefined],
    ['404', 'HTTP probe failed with statuscode: 404'],
    ['503', 'HTTP probe failed with statuscode: 503'],
    ['never', 'no answer within 0.05s'],
  ])('over HTTP with /%s: %s', async (path, why) => {
    const probe = { httpGet: { path: `/${path}`, port: 'web' }, timeoutSeconds: path === 'never' ? 0.05 : 5 };
    expect(await check(probe, container(), context)).toBe(why);
  });

  it('sends its headers', async () => {
    const probe = { httpGet: { port, httpHeaders: [{ name: 'X-Key', value: 'wrong' }] } };
    expect(await check(probe, container(), context)).toContain('403');
  });

  it('over TCP sees whether something listens', async () => {
    expect(await check({ tcpSocket: { port } }, container(), context)).toBeUndefined();
    expect(await check({ tcpSocket: { port: 1 } }, container(), context)).toContain('ECONNREFUSED');
    expect(await check({ tcpSocket: { port: 'none' } }, container(), context)).toBe('container has no port named none');
  });

  it('by a command goes by its exit code and time', async () => {
    const by = (script: string, timeoutSeconds = 5) =>
      check({ exec: { command: ['sh', '-c', script] }, timeoutSeconds }, container(), context);
    expect(await by('exit 0')).toBeUndefined();
    expect(await by('echo broken; exit 1')).toBe('broken');
    expect(await by('sleep 5', 0.05)).toBe('command timed out after 0.05s');
  });
});

describe('the probes of a container', () => {
  it('wait for startup, and turn ready and dead only after enough results in a row', async () => {
    const clock = createFakeClock();
    const log: string[] = [];
    const settle = async (ms: number) => {
      await clock.advance(ms);
      // The check itself goes over the network, on real time.
      await expect.poll(() => clock.pending()).toBeGreaterThanOrEqual(log.includes('started') ? 2 : 1);
    };
    const probe = (path: string, failureThreshold: number) => ({
      httpGet: { path, port },
      periodSeconds: 1,
      failureThreshold,
    });
    const readiness = probe('/503', 2);
    const stop = startProbes(
      { ...container(), startupProbe: probe('/', 1), readinessProbe: readiness, livenessProbe: probe('/500', 3) },
      { ...context, clock },
      {
        started: () => log.push('started'),
        ready: (ready) => log.push(`ready ${ready}`),
        dead: (which, why) => log.push(`dead ${which} ${why}`),
        unhealthy: () => {},
      },
    );
    await settle(0);
    await expect.poll(() => log).toEqual(['started']);
    await settle(0);
    await settle(1000);
    expect(log).toEqual(['started', 'ready false']);
    readiness.httpGet.path = '/';
    await settle(1000);
    expect(log).toContain('ready true');
    expect(log).toContain('dead Liveness HTTP probe failed with statuscode: 500');
    stop();
    expect(clock.pending()).toBe(0);
  });

  it('that are not there make it ready at once', () => {
    const log: string[] = [];
    startProbes(container(), context, {
      started: () => log.push('started'),
      ready: (ready) => log.push(`ready ${ready}`),
      dead: () => log.push('dead'),
      unhealthy: () => {},
    });
    expect(log).toEqual(['started', 'ready true']);
  });
});
