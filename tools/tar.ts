/** As much of a tar file (POSIX ustar) as an image needs; times are zero, so that equal content gives equal files. */

export interface TarEntry {
  /** Without a slash in front; of a folder with one at the end. At most 100 bytes. */
  path: string;
  /** Permissions, as in 0o755. */
  mode: number;
  content?: Uint8Array | undefined;
  /** Target of a symbolic link. */
  link?: string | undefined;
}

const BLOCK = 512;
const LONGEST_NAME = 100;

/** The pieces of a tar file, in the order of the entries. */
export function* tarOf(entries: Iterable<TarEntry>): Generator<Uint8Array> {
  for (const { path, mode, content, link } of entries) {
    if (Buffer.byteLength(path) > LONGEST_NAME || Buffer.byteLength(link ?? '') > LONGEST_NAME)
      throw new Error(`${path} is too long a name for a tar file`);
    const size = content?.length ?? 0;
    yield header(path, mode, size, link === undefined ? (path.endsWith('/') ? '5' : '0') : '2', link ?? '');
    if (content === undefined) continue;
    yield content;
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(path: string, mode: number, size: number, type: string, link: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  block.write(path, 0);
  block.write(octal(mode, 8), 100);
  // Owner and group: root.
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  // The checksum counts its own place as blanks.
  block.write('        ', 148);
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
