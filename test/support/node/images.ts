import path from 'node:path';
import { buildImage, RUNTIME, runtimeLayer } from '../../../tools/image.ts';
import { writeImage } from '../../../tools/oci.ts';
import type { ImageFile } from './config.ts';

/** Does nothing, for as long as it is told or until it is told to end; the node's pods are held together by it, too. */
export const IDLE_IMAGE = 'windlass.test/idle:1';

const IDLE = `
process.on('SIGTERM', () => process.exit());
setTimeout(() => process.exit(), 1000 * (process.argv[1] ?? 1e6));`;

/** Writes the operator's image, under the name that the chart has it by, and the idle one. */
export async function writeImages(folder: string): Promise<ImageFile[]> {
  const operator = { file: path.join(folder, 'windlass.tar'), name: 'ghcr.io/windlass-dev/windlass' };
  const [name = '', tag = ''] = IDLE_IMAGE.split(':');
  const idle = { file: path.join(folder, 'idle.tar'), name };
  await buildImage(operator.file, 1);
  writeImage(
    idle.file,
    { name, tag, layers: [runtimeLayer()], config: { ...RUNTIME, Entrypoint: ['/usr/bin/node', '-e', IDLE] } },
    1,
  );
  return [operator, idle];
}
