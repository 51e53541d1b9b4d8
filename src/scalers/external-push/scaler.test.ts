import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ExternalScalerServer,
  type StartOptions,
  startExternalScaler,
} from '../../../test/servers/external-scaler.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { scalerDeps, triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import { openChannels } from '../_grpc/channel.ts';
import { parseTrigger } from '../parse.ts';
import { definition } from './definition.ts';
import { createScaler } from './scaler.ts';

conformance(definition, { trigger: () => ({ metadata: { scalerAddress: '127.0.0.1:1' } }) });

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  expect(openChannels()).toBe(0);
});

async function setup(options: StartOptions = {}) {
  const server: ExternalScalerServer = await startExternalScaler(options);
  undo.push(() => server.stop());
  const clock = createFakeClock();
  const parsed = parseTrigger(definition, {
    metadata: { scalerAddress: server.address },
    auth: {},
    env: {},
    context: triggerContext(),
  });
  if (!parsed.ok) throw new Error('the trigger does not parse');
  const scaler = createScaler(parsed.config, scalerDeps({ clock }));
  undo.push(() => scaler.close());
  const control = new AbortController();
  undo.push(() => control.abort());
  const heard: string[] = [];
  const follow = () =>
    scaler.watch?.(control.signal, () => heard.push('reading'), {
      active: () => heard.push('active'),
      alive: () => heard.push('alive'),
      specs: (specs) =>
        heard.push(specs.map((spec) => (spec.kind === 'external' ? `${spec.name}=${spec.target}` : '')).join()),
    });
  return { server, clock, heard, follow, control };
}

describe('the stream of an external-push trigger', () => {
  it('tells of work, of quiet and of new targets', async () => {
    const { server, heard, follow, control } = await setup();
    const over = follow();
    await eventually(() => server.streams() === 2 && heard.length === 1);
    expect(heard).toEqual(['orders=5']);
    server.push(true);
    await eventually(() => heard.length === 2);
    server.push(false);
    await eventually(() => heard.length === 3);
    server.pushSpecs([{ metricName: 'orders', targetSizeFloat: 9 }]);
    await eventually(() => heard.length === 4);
    expect(heard).toEqual(['orders=5', 'active', 'alive', 'orders=9']);
    control.abort(new Error('enough'));
    await expect(over).rejects.toThrow('enough');
    await eventually(() => server.streams() === 0);
  });

  it('breaks as StreamIsActive breaks, and takes the other stream along', async () => {
    const { server, follow } = await setup();
    server.behaviour.set('StreamIsActive', { code: status.UNAVAILABLE, details: 'no' });
    await expect(follow()).rejects.toMatchObject({ code: 'SourceUnavailable' });
    await eventually(() => server.streams() === 0);
  });

  it('ends when StreamIsActive ends', async () => {
    const { server, follow } = await setup();
    const over = follow();
    await eventually(() => server.streams() === 2);
    server.endStreams();
    await expect(over).resolves.toBeUndefined();
  });

  it('goes without StreamMetricSpec where the server does not have it, and asks for it no more', async () => {
    const { server, clock, heard, follow } = await setup({ withoutSpecStream: true });
    void follow()?.catch(() => {});
    await eventually(() => server.streams('StreamIsActive') === 1);
    server.push(true);
    await eventually(() => heard.includes('active'));
    await clock.advance(120_000);
    expect(server.streams('StreamIsActive')).toBe(1);
    expect(heard).toEqual(['active']);
  });

  it('opens StreamMetricSpec again with growing pauses', async () => {
    const { server, clock, follow } = await setup();
    server.behaviour.set('StreamMetricSpec', { code: status.INTERNAL, details: 'no' });
    void follow()?.catch(() => {});
    const opened = () => server.calls.filter(({ method }) => method === 'StreamMetricSpec').length;
    await eventually(() => opened() === 1);
    for (const [index, pause] of [2_000, 4_000, 8_000].entries()) {
      const sleeping = clock.pending();
      // The pause begins when the failure has come back over the wire.
      await eventually(() => clock.pending() >= sleeping);
      await clock.advance(pause - 1);
      expect(opened()).toBe(index + 1);
      await clock.advance(1);
      await eventually(() => opened() === index + 2);
    }
  });
});
