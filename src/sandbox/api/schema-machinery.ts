import { applyPatch, trackUpdate } from '../patch/index.ts';
import { createSchemas } from '../schema/index.ts';
import type { Machinery } from './machinery.ts';

/** Schemas, patches and field managers as every operation uses them. */
export function createMachinery(): Machinery {
  const schemas = createSchemas();
  return {
    prepare: schemas.prepare,
    applyPatch: (params) => applyPatch({ ...params, schemas }),
    trackUpdate: (params) => trackUpdate({ ...params, operation: 'Update', schemas }),
    openApi: schemas.openApi,
    setCustomResource: schemas.setCustomResource,
    removeCustomResource: schemas.removeCustomResource,
  };
}
