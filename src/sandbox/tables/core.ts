import { isFields, items, number, part, text } from '../schema/fields.ts';
import type { AnyObject } from '../types.ts';
import { since } from './age.ts';
import {
  AGE,
  type Column,
  column,
  count,
  labelsText,
  listOf,
  NAME,
  NONE,
  spec,
  status,
  textOr,
  wide,
} from './column.ts';

const size = (value: unknown) => (isFields(value) ? Object.keys(value).length : 0);

export const CONFIG_MAPS: Column[] = [NAME, column('Data', (one) => size(one.data) + size(one.binaryData)), AGE];
export const SECRETS: Column[] = [
  NAME,
  column('Type', (one) => text(one, 'type')),
  column('Data', (one) => size(one.data)),
  AGE,
];
export const NAMESPACES: Column[] = [NAME, column('Status', (one) => text(status(one), 'phase')), AGE];

export const SERVICES: Column[] = [
  NAME,
  column('Type', (one) => text(spec(one), 'type')),
  column('Cluster-IP', (one) => textOr(spec(one).clusterIP, NONE)),
  column('External-IP', externalAddress),
  column('Port(s)', (one) => {
    const ports = items(spec(one), 'ports').map((port) => {
      const node = count(port, 'nodePort');
      return `${count(port, 'port')}${node > 0 ? `:${node}` : ''}/${text(port, 'protocol')}`;
    });
    return ports.length === 0 ? NONE : ports.join(',');
  }),
  AGE,
  wide('Selector', (one) => labelsText(spec(one).selector)),
];

function externalAddress(service: AnyObject): string {
  const { type, externalIPs, externalName } = spec(service);
  if (type === 'ExternalName') return String(externalName);
  const given = Array.isArray(externalIPs) ? externalIPs.map(String) : [];
  const balancer = items(part(status(service), 'loadBalancer'), 'ingress').map(
    (one) => text(one, 'ip') || text(one, 'hostname'),
  );
  const all = type === 'LoadBalancer' ? [...balancer, ...given] : given;
  return all.length > 0 ? all.join(',') : type === 'LoadBalancer' ? '<pending>' : NONE;
}

export const ENDPOINTS: Column[] = [
  NAME,
  column('Endpoints', (one) => {
    const all = items(one, 'subsets').flatMap((subset) => {
      const addresses = items(subset, 'addresses').map((address) => text(address, 'ip'));
      const ports = items(subset, 'ports').map((port) => count(port, 'port'));
      return ports.length === 0 ? addresses : ports.flatMap((port) => addresses.map((ip) => `${ip}:${port}`));
    });
    return listOf(all, 3);
  }),
  AGE,
];

const unsetList = (texts: string[]) => (texts.length === 0 ? '<unset>' : listOf(texts, 3));

export const ENDPOINT_SLICES: Column[] = [
  NAME,
  column('AddressType', (one) => text(one, 'addressType')),
  column('Ports', (one) => unsetList(items(one, 'ports').map((port) => String(port.port ?? textOr(port.name, '*'))))),
  column('Endpoints', (one) =>
    unsetList(
      items(one, 'endpoints').flatMap(({ addresses }) => (Array.isArray(addresses) ? addresses.map(String) : [])),
    ),
  ),
  AGE,
];

const firstSeen = (event: AnyObject, now: number) =>
  since(event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime, now);

export const EVENTS: Column[] = [
  column('Last Seen', (event, now) => {
    const series = part(event, 'series').lastObservedTime;
    const last = series ?? event.lastTimestamp ?? event.deprecatedLastTimestamp;
    return last ? since(last, now) : firstSeen(event, now);
  }),
  column('Type', (event) => text(event, 'type')),
  column('Reason', (event) => text(event, 'reason')),
  column('Object', (event) => {
    const { kind, name } = aboutOf(event);
    const lower = String(kind ?? '').toLowerCase();
    return name ? `${lower}/${name}` : lower;
  }),
  wide('Subobject', (event) => text(aboutOf(event), 'fieldPath')),
  wide('Source', (event) => {
    const source = part(event, 'source');
    const component = textOr(source.component, text(event, 'reportingComponent') || text(event, 'reportingController'));
    const host = textOr(source.host, text(event, 'reportingInstance'));
    return host === '' ? component : `${component}, ${host}`;
  }),
  column('Message', (event) => (text(event, 'message') || text(event, 'note')).trim()),
  wide('First Seen', firstSeen),
  wide(
    'Count',
    (event) =>
      number(part(event, 'series'), 'count') ?? number(event, 'count') ?? number(event, 'deprecatedCount') ?? 1,
  ),
  { ...NAME, priority: 1 },
];

/** core/v1 and events.k8s.io/v1 call it differently. */
function aboutOf(event: AnyObject) {
  return part(event, isFields(event.regarding) ? 'regarding' : 'involvedObject');
}

const addressOf = (node: AnyObject, type: string) =>
  textOr(items(status(node), 'addresses').find((one) => one.type === type)?.address, NONE);
const nodeInfo = (node: AnyObject) => part(status(node), 'nodeInfo');
const ROLE = 'node-role.kubernetes.io/';

export const NODES: Column[] = [
  NAME,
  column('Status', (node) => {
    const ready = items(status(node), 'conditions').find((one) => one.type === 'Ready');
    const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
    return spec(node).unschedulable === true ? `${text},SchedulingDisabled` : text;
  }),
  column('Roles', (node) => {
    const labels = Object.entries(node.metadata.labels ?? {});
    const roles = labels.flatMap(([key, value]) =>
      key.startsWith(ROLE) ? [key.slice(ROLE.length)] : key === 'kubernetes.io/role' ? [value] : [],
    );
    return (
      roles
        .filter((role) => role !== '')
        .sort()
        .join(',') || NONE
    );
  }),
  AGE,
  column('Version', (node) => text(nodeInfo(node), 'kubeletVersion')),
  wide('Internal-IP', (node) => addressOf(node, 'InternalIP')),
  wide('External-IP', (node) => addressOf(node, 'ExternalIP')),
  wide('OS-Image', (node) => textOr(nodeInfo(node).osImage, '<unknown>')),
  wide('Kernel-Version', (node) => textOr(nodeInfo(node).kernelVersion, '<unknown>')),
  wide('Container-Runtime', (node) => textOr(nodeInfo(node).containerRuntimeVersion, '<unknown>')),
];

export const CLAIMS: Column[] = [
  NAME,
  column('Status', (one) =>
    one.metadata.deletionTimestamp === undefined ? text(status(one), 'phase') : 'Terminating',
  ),
  column('Volume', (one) => text(spec(one), 'volumeName')),
  column('Capacity', (one) => text(part(status(one), 'capacity'), 'storage')),
  column('Access Modes', (one) => {
    const modes = status(one).accessModes;
    return Array.isArray(modes) ? modes.map((mode) => String(mode).replaceAll(/[a-z]/g, '')).join(',') : '';
  }),
  column('StorageClass', (one) => text(spec(one), 'storageClassName')),
  AGE,
];
