import { X509Certificate } from 'node:crypto';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a bundle, one PEM text each; what is none is left out. */
export function splitBundle(bundle: string): string[] {
  return [...bundle.matchAll(BLOCK)].flatMap(([text]) => {
    try {
      new X509Certificate(text);
      return [`${text}\n`];
    } catch {
      return [];
    }
  });
}

/** Certificates as one bundle, each once, in the order they are given; those that have ended by `now` are left out. */
export function joinBundle(certificates: readonly string[], now: number): string {
  const seen = new Set<string>();
  let bundle = '';
  for (const text of certificates) {
    const certificate = new X509Certificate(text);
    if (seen.has(certificate.fingerprint256) || certificate.validToDate.getTime() <= now) continue;
    seen.add(certificate.fingerprint256);
    bundle += text;
  }
  return bundle;
}
