/** Ends of host names by the start of the region (AWS' partitions); all others end in `amazonaws.com`. */
const PARTITIONS: readonly [string, string][] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-', 'amazonaws.eu'],
];

/**
 * Where a service is asked: the trigger's own endpoint, else the one that the operator's environment names as AWS' SDKs
 * read it (`AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL`), else that of the region. Without a slash at the end.
 */
export function endpointOf(
  service: 'sqs' | 'sts',
  region: string,
  env: Readonly<Record<string, string | undefined>>,
  own?: string,
): string {
  const named = own || env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || env.AWS_ENDPOINT_URL;
  if (named) return named.replace(/\/+$/, '');
  const suffix = PARTITIONS.find(([start]) => region.startsWith(start))?.[1] ?? 'amazonaws.com';
  return `https://${service}.${region}.${suffix}`;
}
