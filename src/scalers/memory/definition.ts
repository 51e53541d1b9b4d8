import { defineResourceTrigger } from '../_resource/define.ts';

export const definition = defineResourceTrigger({
  resource: 'memory',
  title: 'Memory',
  summary: 'Scales on the memory that the pods use, as Kubernetes measures it.',
  amount: '200Mi',
});
