import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { findBinaries } from './cluster/build.ts';

const run = promisify(execFile);

const FILE = 'config/bundle/windlass.yaml';
const NAMESPACE = 'keda';
const NOTICE = `# Made by \`npm run generate\` from charts/windlass with its defaults: kubectl apply -f ${FILE}\n`;
/** They say that Helm is in charge. */
const HELM_LABELS = ['helm.sh/chart', 'app.kubernetes.io/managed-by'];

interface Manifest {
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: { template?: { metadata?: { labels?: Record<string, string> } } };
}

/**
 * Everything that `kubectl apply` needs, in one file. Only where Helm is there already, which is after the tests of the
 * chart or of a real control plane have built it: those tests hold that the file is fresh wherever they run.
 */
export async function generateBundle(): Promise<Map<string, string>> {
  const folder = await findBinaries(['helm']);
  return folder === undefined ? new Map() : new Map([[FILE, await renderBundle(path.join(folder, 'helm'))]]);
}

export async function renderBundle(helm: string): Promise<string> {
  const chart = path.resolve(import.meta.dirname, '../charts/windlass');
  const { stdout } = await run(helm, ['template', 'windlass', chart, '--namespace', NAMESPACE], {
    maxBuffer: 16 << 20,
  });
  const objects = parseAllDocuments(stdout).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    const object = document.toJS() as Manifest | null;
    return object ? [plain(object)] : [];
  });
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  const texts = [namespace, ...objects].map((object) =>
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return `${NOTICE}${texts.join('---\n')}`;
}

function plain(object: Manifest): Manifest {
  const { metadata } = object;
  for (const labels of [metadata.labels, object.spec?.template?.metadata?.labels])
    for (const label of HELM_LABELS) delete labels?.[label];
  delete metadata.annotations?.['helm.sh/resource-policy'];
  if (metadata.annotations && Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
  return object;
}
