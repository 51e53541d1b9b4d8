import { describe, expect, it } from 'vitest';
import { decodeObject } from './decode.ts';

/** A field of a message: numbers as varints, everything else with its length. */
function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const message = (...fields: Buffer[]) => Buffer.concat(fields);
const object = (apiVersion: string, kind: string, ...fields: Buffer[]) =>
  message(Buffer.from('k8s\0'), field(1, message(field(1, apiVersion), field(2, kind))), field(2, message(...fields)));
/** As Go writes it: fields without pointer are there even when they are empty. */
const metadata = (name: string) =>
  field(
    1,
    message(field(1, name), field(2, ''), field(3, 'n'), field(7, 0), field(8, message()), field(11, entry('a', 'b'))),
  );
const entry = (key: string, value: string | Buffer) => message(field(1, key), field(2, value));

describe('a protobuf object reads as its JSON', () => {
  it('without fields that Go writes because they are no pointers', () => {
    expect(decodeObject(object('v1', 'ConfigMap', metadata('x'), field(2, entry('k', 'v'))))).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace: 'n', labels: { a: 'b' } },
      data: { k: 'v' },
    });
  });

  it('with the zeros behind pointers, quantities, int-or-strings and inlined fields', () => {
    const limits = field(1, entry('cpu', field(1, '100m')));
    const port = field(2, message(field(1, 1), field(2, 0), field(3, 'http')));
    const probe = field(10, message(field(1, field(2, message(field(1, '/health'), port))), field(3, 5)));
    const container = message(field(1, 'c'), field(2, 'i'), field(8, limits), probe);
    const volume = message(field(1, 'v'), field(2, field(2, message(field(1, '')))));
    const template = field(3, message(field(1, message()), field(2, message(field(1, volume), field(2, container)))));
    expect(decodeObject(object('apps/v1', 'Deployment', field(2, message(field(1, 0), template))))).toMatchObject({
      spec: {
        replicas: 0,
        template: {
          spec: {
            volumes: [{ name: 'v', emptyDir: {} }],
            containers: [
              {
                name: 'c',
                resources: { limits: { cpu: '100m' } },
                livenessProbe: { httpGet: { path: '/health', port: 'http' }, timeoutSeconds: 5 },
              },
            ],
          },
        },
      },
    });
  });

  it('with bytes in base64, moments and negative numbers', () => {
    expect(
      decodeObject(object('v1', 'Secret', metadata('s'), field(2, entry('k', Buffer.from([0, 255]))))),
    ).toMatchObject({
      data: { k: 'AP8=' },
    });
    const spec = message(field(1, 'me'), field(4, message(field(1, 1767225600), field(2, 5000))));
    expect(decodeObject(object('coordination.k8s.io/v1', 'Lease', metadata('l'), field(2, spec)))).toMatchObject({
      spec: { holderIdentity: 'me', renewTime: '2026-01-01T00:00:00.000005Z' },
    });
  });

  it('also for options, which belong to no group', () => {
    expect(decodeObject(object('apps/v1', 'DeleteOptions', field(1, 0), field(4, 'Foreground')))).toMatchObject({
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Foreground',
    });
  });
});

it.each([
  ['no magic', Buffer.from('{}')],
  ['half a message', object('v1', 'ConfigMap', metadata('x')).subarray(0, 40)],
  ['an unknown kind', object('v1', 'Nothing')],
])('refuses %s', (_what, body) => {
  expect(() => decodeObject(body)).toThrow(expect.objectContaining({ reason: 'BadRequest' }));
});
