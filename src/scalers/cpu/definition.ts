import { defineResourceTrigger } from '../_resource/define.ts';

export const definition = defineResourceTrigger({
  resource: 'cpu',
  title: 'CPU',
  summary: 'Scales on the processor time that the pods use, as Kubernetes measures it.',
  amount: '500m',
});
