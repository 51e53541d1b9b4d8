import { expect, it } from 'vitest';
import { parseAddress } from './address.ts';

it.each<[string, object]>([
  ['orders.shop.svc:6000', { kind: 'host', host: 'orders.shop.svc', port: 6000, authority: 'orders.shop.svc:6000' }],
  ['myservice', { host: 'myservice', port: 443, authority: 'myservice:443' }],
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['[::1]:6000', { host: '::1', port: 6000, authority: '[::1]:6000' }],
  ['dns:///a.b:6000', { host: 'a.b', port: 6000, authority: 'a.b:6000' }],
  ['dns:a.b:6000', { host: 'a.b', port: 6000 }],
  ['passthrough:///a.b:6000', { host: 'a.b', port: 6000 }],
  ['unix:///run/scaler.sock', { kind: 'socket', path: '/run/scaler.sock', authority: 'localhost' }],
  ['unix:scaler.sock', { kind: 'socket', path: 'scaler.sock' }],
])('%s is understood as gRPC clients do', (text, address) => {
  expect(parseAddress(text)).toMatchObject(address);
});

it.each(['http://a:6000', 'a:6000/path', 'a:0', 'a:65536', 'a:b', '::1', ''])('"%s" is refused', (text) => {
  expect(() => parseAddress(text)).toThrow('is not an address of a gRPC server');
});
