import { boolean, type ConfigOf, collected, string } from '../../spec/trigger-fields.ts';
import type { FieldProblem } from '../definition.ts';

/** Fields of both kinds of external triggers. */
export const externalFields = {
  scalerAddress: string('Where the external scaler listens, as `host:port`.', {
    required: true,
    note: 'Without a port it is 443, with or without TLS. A scheme such as `http://` is not part of it.',
  }),
  enableTLS: boolean('Connect with TLS; client certificates and `caCert` imply it.'),
  unsafeSsl: boolean("Do not check the server's certificate."),
  caCert: string("Certificate authority of the server (PEM), trusted beside the system's.", { from: ['auth'] }),
  tlsClientCert: string('Client certificate (PEM); counts only together with its key.', { from: ['auth'] }),
  tlsClientKey: string('Key of the client certificate (PEM).', { from: ['auth'], secret: true }),
  scalerMetadata: collected('Every key of the metadata is sent to the external scaler, those above included.', {
    prefix: '',
    note: 'A key that ends in `FromEnv` keeps its name and carries the value of the variable; it is left out when there is none.',
  }),
};

export type ExternalConfig = ConfigOf<typeof externalFields>;

/** What will not work although KEDA takes the trigger. */
export function adviseExternal(config: Partial<ExternalConfig>): FieldProblem[] {
  const { scalerAddress = '', tlsClientCert, tlsClientKey } = config;
  const doubts: FieldProblem[] = [];
  if (/^[a-z]+:\/\//i.test(scalerAddress) && !/^(dns|passthrough|unix):/.test(scalerAddress))
    doubts.push({
      field: 'scalerAddress',
      message: `scalerAddress is "${scalerAddress}", which has a scheme; write it as host:port`,
    });
  if ((tlsClientCert === undefined) !== (tlsClientKey === undefined)) {
    const [given, missing] = tlsClientCert ? ['tlsClientCert', 'tlsClientKey'] : ['tlsClientKey', 'tlsClientCert'];
    doubts.push({ field: given ?? '', message: `${given} is not used without ${missing}` });
  }
  return doubts;
}

/** KEDA 2.21: any of these asks for TLS; a certificate without its key asks for nothing. */
export function wantsTls({ enableTLS, tlsClientCert, tlsClientKey, caCert }: Partial<ExternalConfig>): boolean {
  return Boolean(enableTLS || (tlsClientCert && tlsClientKey) || caCert);
}
