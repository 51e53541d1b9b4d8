import { readFile } from 'node:fs/promises';
import { describeError, WindlassError } from '../../base/errors.ts';
import type { FieldProblem } from '../definition.ts';

/** Services whose host names end differently from cloud to cloud. */
export type AzureService = 'storage' | 'serviceBus';

interface Cloud {
  storage: string;
  serviceBus: string;
  authority: string;
}

const PUBLIC: Cloud = {
  storage: 'core.windows.net',
  serviceBus: 'servicebus.windows.net',
  authority: 'https://login.microsoftonline.com',
};
const US_GOVERNMENT: Cloud = {
  storage: 'core.usgovcloudapi.net',
  serviceBus: 'servicebus.usgovcloudapi.net',
  authority: 'https://login.microsoftonline.us',
};
/** Names as go-autorest spells them, matched without regard to case (KEDA 2.21). */
const CLOUDS: Record<string, Cloud> = {
  azurecloud: PUBLIC,
  azurepubliccloud: PUBLIC,
  azureusgovernment: US_GOVERNMENT,
  azureusgovernmentcloud: US_GOVERNMENT,
  azurechinacloud: {
    storage: 'core.chinacloudapi.cn',
    serviceBus: 'servicebus.chinacloudapi.cn',
    authority: 'https://login.chinacloudapi.cn',
  },
  azuregermancloud: {
    storage: 'core.cloudapi.de',
    serviceBus: 'servicebus.cloudapi.de',
    authority: 'https://login.microsoftonline.de',
  },
};
const PRIVATE = 'private';
const STACK = 'azurestackcloud';

/** Spellings for docs and messages. */
export const CLOUD_NAMES = [
  'AzurePublicCloud',
  'AzureUSGovernmentCloud',
  'AzureChinaCloud',
  'AzureGermanCloud',
  'AzureStackCloud',
  'Private',
] as const;

/** Problems of the `cloud` field and of the suffix that `Private` needs; `suffixField` is that field's name. */
export function checkCloud(cloud: string | undefined, suffix: string | undefined, suffixField: string): FieldProblem[] {
  const name = cloud?.toLowerCase();
  if (name === undefined || name === STACK || Object.hasOwn(CLOUDS, name)) return [];
  if (name !== PRIVATE)
    return [{ field: 'cloud', message: `cloud is "${cloud}", which must be one of ${CLOUD_NAMES.join(', ')}` }];
  if (suffix !== undefined) return [];
  return [{ field: suffixField, message: `${suffixField} is required when cloud is Private` }];
}

/**
 * What a service's host names end in: for storage without the leading `queue.` or `blob.`, except for `Private`, where
 * the user gives the whole ending. Reads a file for AzureStackCloud only.
 * @throws InvalidTrigger when the cloud's description cannot be read
 */
export async function endpointSuffix(
  service: AzureService,
  prefix: string,
  { cloud, suffix }: { cloud: string | undefined; suffix: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const name = cloud?.toLowerCase() ?? 'azurepubliccloud';
  if (name === PRIVATE && suffix !== undefined) return suffix;
  if (name === STACK) return `${prefix}${await stackSuffix(service, env.AZURE_ENVIRONMENT_FILEPATH)}`;
  const known = CLOUDS[name];
  if (known === undefined) throw new WindlassError('InvalidTrigger', `cloud "${cloud}" is not known`);
  return `${prefix}${known[service]}`;
}

/** Where tokens come from when the environment and the pod identity do not say. */
export function defaultAuthority(cloud: string | undefined): string {
  return CLOUDS[cloud?.toLowerCase() ?? '']?.authority ?? PUBLIC.authority;
}

async function stackSuffix(service: AzureService, file: string | undefined): Promise<string> {
  const hint = 'AZURE_ENVIRONMENT_FILEPATH has to name a JSON file that describes the cloud';
  if (!file) throw new WindlassError('InvalidTrigger', 'cloud AzureStackCloud is not described', { hint });
  const key = service === 'storage' ? 'storageEndpointSuffix' : 'serviceBusEndpointSuffix';
  try {
    const suffix: unknown = JSON.parse(await readFile(file, 'utf8'))[key];
    if (typeof suffix === 'string' && suffix !== '') return suffix;
  } catch (cause) {
    throw new WindlassError('InvalidTrigger', `cannot read ${file}: ${describeError(cause)}`, { cause, hint });
  }
  throw new WindlassError('InvalidTrigger', `${file} has no ${key}`, { hint });
}
