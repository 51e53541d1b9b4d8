import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import type { OpenApiSchema } from './node.ts';

/** A built-in resource as Kubernetes' published paths describe it. */
export interface BuiltinResource {
  plural: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  /** Name of the subresource to the kind that it speaks: `{ status: 'Deployment', scale: 'Scale' }`. */
  subresources: Record<string, string>;
}

/** What tools/openapi.ts writes. */
export interface BuiltinData {
  /** The Kubernetes version, with the v. */
  version: string;
  schemas: Record<string, OpenApiSchema>;
  /** By group version as in apiVersion: `v1`, `apps/v1`. */
  resources: Record<string, BuiltinResource[]>;
}

let loaded: BuiltinData | undefined;

/** The built-in schemas, unpacked at the first call (about 30 ms) and shared afterwards; treat as read-only. */
export function builtinData(): BuiltinData {
  if (loaded === undefined) {
    const packed = readFileSync(new URL('./data/kubernetes.generated.json.br', import.meta.url));
    loaded = JSON.parse(brotliDecompressSync(packed).toString('utf8')) as BuiltinData;
  }
  return loaded;
}
