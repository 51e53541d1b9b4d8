/** Where a value sits inside an object: names of fields and positions in lists. */
export type Path = readonly (string | number)[];

const PLAIN = /^[A-Za-z_$][\w$-]*$/;

/** `spec.triggers[0].metadata.queueName`; names with dots or slashes as `annotations["a.b/c"]`. The root is "". */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!PLAIN.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** The inverse of formatPath. Text that formatPath cannot have written gives its best reading, never an error. */
export function parsePath(text: string): Path {
  const parts: (string | number)[] = [];
  for (const match of text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)) {
    const [, index, quoted, plain] = match;
    if (index !== undefined) parts.push(Number(index));
    else if (quoted !== undefined) parts.push(JSON.parse(quoted) as string);
    else if (plain !== undefined) parts.push(plain);
  }
  return parts;
}

/** The value at a path, or undefined when the way there ends early. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
