import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { HttpSettings } from '../definition.ts';

/** PEM texts of the standard TLS fields; `ca` is trusted beside the system's. */
export interface TlsMaterial {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  keyPassword?: string | undefined;
  unsafeSsl?: boolean | undefined;
}

/** What tls.connect gets. */
export interface TlsOptions {
  minVersion: HttpSettings['minTlsVersion'];
  rejectUnauthorized: boolean;
  secureContext?: SecureContext;
}

/**
 * Options for TLS connections with the operator's settings and a trigger's own certificates.
 * @throws InvalidTrigger naming what is wrong with a certificate or key, never showing it
 */
export function tlsOptions(
  settings: Pick<HttpSettings, 'minTlsVersion' | 'extraCa'>,
  material: TlsMaterial,
): TlsOptions {
  const { ca, cert, key, keyPassword, unsafeSsl } = material;
  const base: TlsOptions = { minVersion: settings.minTlsVersion, rejectUnauthorized: !unsafeSsl };
  const authorities = [...settings.extraCa, ...(ca === undefined ? [] : [ca])];
  const hasPair = cert !== undefined && key !== undefined;
  // Without anything of its own a connection uses Node's one shared context: no parsing of 150 certificates.
  if (authorities.length === 0 && !hasPair) return base;
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new WindlassError('InvalidTrigger', 'ca holds no certificate', {
      hint: 'give the PEM text of a certificate authority, beginning with -----BEGIN CERTIFICATE-----',
    });
  try {
    const secureContext = createSecureContext({
      minVersion: settings.minTlsVersion,
      ...(authorities.length > 0 ? { ca: [...getCACertificates('default'), ...authorities] } : {}),
      ...(hasPair ? { cert, key, ...(keyPassword === undefined ? {} : { passphrase: keyPassword }) } : {}),
    });
    return { ...base, secureContext };
  } catch (cause) {
    // OpenSSL's reasons name the defect ("key values mismatch"), not the material.
    throw new WindlassError('InvalidTrigger', `cert, key, keyPassword or ca cannot be used: ${describeError(cause)}`, {
      cause,
      hint: 'give PEM texts that belong together; keyPassword decrypts key',
    });
  }
}
