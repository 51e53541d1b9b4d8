import { type Fields, isFields, items, part, text } from '../schema/fields.ts';
import { AGE, type Column, column, count, NAME, NONE, spec, status } from './column.ts';

/** Kubernetes shows two metrics and says how many more there are. */
const SHOWN = 2;

export const AUTOSCALERS: Column[] = [
  NAME,
  column('Reference', (hpa) => {
    const target = part(spec(hpa), 'scaleTargetRef');
    return `${text(target, 'kind')}/${text(target, 'name')}`;
  }),
  column('Targets', (hpa) => targets(spec(hpa), status(hpa))),
  column('MinPods', (hpa) => (spec(hpa).minReplicas === undefined ? '<unset>' : `${count(spec(hpa), 'minReplicas')}`)),
  column('MaxPods', (hpa) => count(spec(hpa), 'maxReplicas')),
  column('Replicas', (hpa) => count(status(hpa), 'currentReplicas')),
  AGE,
];

function targets(hpaSpec: Fields, hpaStatus: Fields): string {
  // autoscaling/v1 knows only the CPU's utilization.
  if (!Array.isArray(hpaSpec.metrics) && hpaSpec.targetCPUUtilizationPercentage !== undefined) {
    const current = hpaStatus.currentCPUUtilizationPercentage;
    return `cpu: ${current === undefined ? '<unknown>' : `${current}%`}/${hpaSpec.targetCPUUtilizationPercentage}%`;
  }
  const specs = items(hpaSpec, 'metrics');
  if (specs.length === 0) return NONE;
  const statuses = Array.isArray(hpaStatus.currentMetrics) ? hpaStatus.currentMetrics : [];
  const all = specs.map((one, index) => target(one, isFields(statuses[index]) ? statuses[index] : {}));
  const shown = all.slice(0, SHOWN).join(', ');
  return all.length > SHOWN ? `${shown} + ${all.length - SHOWN} more...` : shown;
}

const SOURCES: Record<string, string> = {
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
};

function target(metric: Fields, reported: Fields): string {
  const field = SOURCES[text(metric, 'type')];
  if (field === undefined) return '<unknown type>';
  const source = part(metric, field);
  const wanted = part(source, 'target');
  const current = part(part(reported, field), 'current');
  const show = (value: unknown, unit = '') => (value === undefined || value === '' ? '<unknown>' : `${value}${unit}`);
  if (field === 'resource' || field === 'containerResource') {
    const name = text(source, 'name');
    if (wanted.averageValue !== undefined) return `${name}: ${show(current.averageValue)}/${wanted.averageValue}`;
    const utilization = wanted.averageUtilization === undefined ? '<auto>' : `${wanted.averageUtilization}%`;
    return `${name}: ${show(current.averageUtilization, '%')}/${utilization}`;
  }
  if (field === 'pods') return `${show(current.averageValue)}/${show(wanted.averageValue)}`;
  if (wanted.averageValue !== undefined) return `${show(current.averageValue)}/${wanted.averageValue} (avg)`;
  return `${show(current.value)}/${show(wanted.value)}`;
}
