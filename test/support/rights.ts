import type { Permission, Verb } from '../../src/kube/permission.ts';

/** A request as a role sees it. */
export interface Access {
  verb: string;
  group: string;
  /** With `/subresource`. */
  resource: string;
  namespace: string | undefined;
  name: string | undefined;
}

const VERBS: Record<string, Verb> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/**
 * Reads a request as Kubernetes' RequestInfo does; a list or a watch of one name by field selector has that name.
 * Undefined for discovery, which every user may read.
 */
export function accessOf(method: string, target: string): Access | undefined {
  const url = new URL(target, 'http://cluster');
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const group = parts[0] === 'api' ? '' : (parts[1] ?? '');
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const isInNamespace = rest[0] === 'namespaces' && rest.length > 2;
  const namespace = isInNamespace ? rest[1] : undefined;
  const [plural, inPath, subresource] = isInNamespace ? rest.slice(2) : rest;
  if (plural === undefined) return undefined;
  const selected = /^metadata\.name=([^,]+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
  const isWatch = url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1';
  const read = inPath !== undefined ? 'get' : isWatch ? 'watch' : 'list';
  return {
    verb: method === 'GET' ? read : (VERBS[method] ?? method),
    group,
    resource: subresource === undefined ? plural : `${plural}/${subresource}`,
    namespace,
    name: inPath ?? selected,
  };
}

/** Whether one of the permissions allows it to an operator that runs in `own` and watches every namespace. */
export function isAllowed(access: Access, permissions: readonly Permission[], own: string): boolean {
  return permissions.some(({ scope, group, resource, verbs, names }) => {
    if (scope === 'own' && access.namespace !== own) return false;
    if (scope === 'cluster' && access.namespace !== undefined) return false;
    if (group !== '*' && group !== access.group) return false;
    const [plural, subresource] = access.resource.split('/');
    const isResource =
      resource === access.resource ||
      (resource === '*' && subresource === undefined) ||
      (resource === `*/${subresource}` && plural !== undefined);
    if (!isResource || !(verbs as readonly string[]).includes(access.verb)) return false;
    return names === undefined || (access.name !== undefined && names.includes(access.name));
  });
}

export const describeAccess = ({ verb, group, resource, namespace = '', name = '' }: Access): string =>
  `${verb} ${resource}${group === '' ? '' : `.${group}`} ${namespace}/${name}`;
