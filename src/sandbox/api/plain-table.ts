import type { AnyObject } from '../types.ts';
import type { TableMaker } from './http/forms.ts';

/** Name and creation time of any type. */
export const toTable: TableMaker = (_type, objects: AnyObject[], { includeObject, list }) => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: list ?? {},
  columnDefinitions: [
    { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
    { name: 'Created At', type: 'date', format: '', description: '', priority: 0 },
  ],
  rows: objects.map((object) => ({
    cells: [object.metadata.name, object.metadata.creationTimestamp],
    ...(includeObject === 'None' ? {} : { object }),
  })),
});
