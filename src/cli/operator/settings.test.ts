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

test.each<[Record<string, string>, unknown]>([
  [{}, { enabled: false, mode: 'all' }],
  [{ RAW_METRICS_GRPC_PROTOCOL: 'enabled' }, { enabled: true, mode: 'all' }],
  [
    { RAW_METRICS_GRPC_PROTOCOL: 'true', RAW_METRICS_MODE: 'HPA' },
    { enabled: false, mode: 'hpa' },
  ],
  [{ RAW_METRICS_MODE: 'PollingInterval' }, { enabled: false, mode: 'pollinginterval' }],
  [{ RAW_METRICS_MODE: 'sometimes' }, { enabled: false, mode: 'all' }],
])('with %j raw metrics are %j', (env, expected) => {
  expect(readSettings(env).rawMetrics).toEqual(expected);
});

test.each<[Record<string, string>, unknown]>([
  [{}, undefined],
  [{ WATCH_NAMESPACE: '""' }, undefined],
  [{ WATCH_NAMESPACE: 'shop' }, 'shop'],
  [{ WATCH_NAMESPACE: 'shop,web,shop' }, ['shop', 'web']],
])('with %j it works in %j', (env, expected) => {
  expect(readSettings(env).namespace).toEqual(expected);
});

test.each<[Record<string, string>, string]>([
  [{ WATCH_NAMESPACE: 'shop,' }, 'WATCH_NAMESPACE is "shop,"'],
  [{ WATCH_NAMESPACE: 'Shop' }, 'WATCH_NAMESPACE is "Shop"'],
  [{ WATCH_LABEL_SELECTOR: 'a in b' }, 'WATCH_LABEL_SELECTOR is "a in b"'],
  [{ KEDA_HTTP_DEFAULT_TIMEOUT: '3s' }, 'KEDA_HTTP_DEFAULT_TIMEOUT is "3s"'],
  [{ KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES: 'many' }, 'KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES is "many"'],
])('%j is refused', (env, message) => {
  expect(() => readSettings(env)).toThrow(message);
});
