import {
  authorityRenewalReason,
  createAuthority,
  createServingCertificate,
  type KeyPair,
  renewalReason,
} from './issue.ts';
import { joinBundle, splitBundle } from './pem.ts';

/** What replicas share: PEM texts under the keys that KEDA's Secret has. */
export interface CertificateData {
  /** The authority that signs, and after it those of before that have not ended yet. */
  'ca.crt': string;
  'ca.key': string;
  'tls.crt': string;
  'tls.key': string;
}

/** What a server is given: its certificate, and the authorities that whoever calls it has to trust. */
export interface Serving {
  pair: KeyPair;
  /** PEM bundle; empty when it is somebody else's business. */
  authorities: string;
}

export interface Renewal {
  data: CertificateData;
  /** Why each part was made anew; empty when everything is good as it was. */
  reasons: string[];
}

/**
 * Makes anew what is missing, broken or near its end. A new authority does not replace the old one in the bundle: what
 * that has signed is still served while the news gets around.
 * @param found what there is, as far as it is there
 * @param names host names and addresses the certificate has to be for
 */
export function renewed(found: Partial<CertificateData>, names: readonly string[], now: number): Renewal {
  const reasons: string[] = [];
  const known = splitBundle(found['ca.crt'] ?? '');
  let authority: KeyPair = { cert: known[0] ?? '', key: found['ca.key'] ?? '' };
  const broken = authorityRenewalReason(authority, now);
  if (broken) {
    reasons.push(`authority: ${broken}`);
    authority = createAuthority('KEDA', now);
    known.unshift(authority.cert);
  }
  let pair: KeyPair = { cert: found['tls.crt'] ?? '', key: found['tls.key'] ?? '' };
  const outdated = renewalReason(pair, authority, names, now);
  if (outdated) {
    reasons.push(`certificate: ${outdated}`);
    pair = createServingCertificate(authority, names, now);
  }
  const data = {
    // As it was written, when nothing has to be.
    'ca.crt': reasons.length === 0 ? (found['ca.crt'] ?? '') : joinBundle(known, now),
    'ca.key': authority.key,
    'tls.crt': pair.cert,
    'tls.key': pair.key,
  };
  return { data, reasons };
}

/** The authority that signs. */
export const signerOf = (data: CertificateData): KeyPair => ({
  cert: splitBundle(data['ca.crt'])[0] ?? '',
  key: data['ca.key'],
});

export const servingOf = (data: CertificateData): Serving => ({
  pair: { cert: data['tls.crt'], key: data['tls.key'] },
  authorities: data['ca.crt'],
});
