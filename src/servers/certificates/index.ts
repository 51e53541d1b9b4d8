export { createFolderSource } from './folder.ts';
export {
  authorityRenewalReason,
  createAuthority,
  createServingCertificate,
  type KeyPair,
  renewalReason,
  serviceNames,
} from './issue.ts';
export {
  type CertificateKeeper,
  type CertificateSource,
  type CertificateUser,
  createCertificateKeeper,
  type MemberCredentials,
} from './keeper.ts';
export { createMemorySource } from './memory.ts';
export { createSecretSource } from './secret.ts';
