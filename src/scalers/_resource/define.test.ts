import { describe, expect, it } from 'vitest';
import { triggerContext } from '../../../test/support/scaler-deps.ts';
import { conformance } from '../../../test/support/scaler-kit.ts';
import { definition as cpu } from '../cpu/definition.ts';
import { definition as memory } from '../memory/definition.ts';

const context = triggerContext({ metricType: 'Utilization' });
for (const definition of [cpu, memory])
  conformance(definition, { trigger: () => ({ metadata: { value: '50' } }), deps: { context } });

describe('what goes into the HPA', () => {
  const config = { value: '50', containerName: undefined, type: undefined };

  it.each([
    ['percent of the request', cpu, '50', undefined, 'Utilization', { type: 'Utilization', percent: 50 }],
    ['an amount', memory, '1024Mi', undefined, 'AverageValue', { type: 'AverageValue', quantity: '1Gi' }],
    ['of one container', cpu, '500m', 'app', 'AverageValue', { type: 'AverageValue', quantity: '500m' }],
  ] as const)('%s', (_, definition, value, containerName, metricType, target) => {
    const metrics = definition.metrics({ ...config, value, containerName }, triggerContext({ metricType }));
    expect(metrics).toEqual([
      { kind: 'resource', resource: definition.type, ...(containerName ? { containerName } : {}), target },
    ]);
  });
});
