import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test.each<[Record<string, string>, string]>([
  [{}, 'TLSv1.2'],
  [{ KEDA_HTTP_MIN_TLS_VERSION: 'TLS13' }, 'TLSv1.3'],
  [{ KEDA_SERVICE_MIN_TLS_VERSION: 'TLS12', KEDA_HTTP_MIN_TLS_VERSION: 'TLS13' }, 'TLSv1.2'],
  [{ KEDA_SERVICE_MIN_TLS_VERSION: 'TLS13' }, 'TLSv1.3'],
  [{ KEDA_SERVICE_MIN_TLS_VERSION: '' }, 'TLSv1.3'],
])('with %j the webhooks speak %s and later', (env, expected) => {
  expect(readSettings(env).serviceMinTlsVersion).toBe(expected);
});
