import {
  type Document,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Tags,
} from 'yaml';
import type { Path } from '../../spec/object-path.ts';
import type { Finding } from './finding.ts';

export interface Position {
  line: number;
  column: number;
}

/** An object of a file, with the way back from its fields to lines. */
export interface Manifest {
  file: string;
  /** As it is written; nothing has been checked. */
  object: Record<string, unknown>;
  /** Where a field is, or the innermost field around it that is there. */
  locate(path: Path): Position;
}

/**
 * kubectl reads YAML 1.1 (an unquoted `yes` is a boolean), yet knows neither its times (12:30) nor its dates.
 * Source: go-yaml v2, the parser below sigs.k8s.io/yaml.
 */
const asKubectl = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')),
  );

/**
 * The objects of a text of YAML or JSON, Lists taken apart; a text that cannot be read is a finding,
 * and so is a document that is no object unless `othersAllowed`.
 */
export function parseManifestFile(
  file: string,
  text: string,
  othersAllowed = false,
): { manifests: Manifest[]; findings: Finding[] } {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const findings: Finding[] = [];
  for (const document of parseAllDocuments(text, {
    lineCounter: lines,
    version: '1.1',
    customTags: asKubectl,
    prettyErrors: false,
  })) {
    const positionOf = (offset: number): Position => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    };
    const report = (at: Position, message: string) =>
      findings.push({ file, ...at, object: '', field: '', severity: 'error', message });
    const fault = document.errors[0];
    if (fault !== undefined) {
      report(positionOf(fault.pos[0]), `cannot read the YAML: ${fault.message}`);
      continue;
    }
    const start = positionOf(document.contents?.range?.[0] ?? 0);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) continue;
    for (const { object, base } of objectsOf(value)) {
      if (!isRecord(object) || typeof object.kind !== 'string' || typeof object.apiVersion !== 'string') {
        if (othersAllowed) continue;
        report(
          positionOfPath(document, base, positionOf) ?? start,
          'is no Kubernetes object: it needs apiVersion and kind',
        );
      } else
        manifests.push({
          file,
          object,
          locate: (path) => positionOfPath(document, [...base, ...path], positionOf) ?? start,
        });
    }
  }
  return { manifests, findings };
}

function objectsOf(value: unknown): { object: unknown; base: Path }[] {
  if (isRecord(value) && typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items))
    return value.items.map((object: unknown, index) => ({ object, base: ['items', index] }));
  return [{ object: value, base: [] }];
}

function positionOfPath(
  document: Document,
  path: Path,
  positionOf: (offset: number) => Position,
): Position | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path) {
    const step = stepInto(node, part, document);
    if (step === undefined) break;
    offset = step.offset ?? offset;
    node = step.value;
  }
  return offset === undefined ? undefined : positionOf(offset);
}

function stepInto(
  node: unknown,
  part: string | number,
  document: Document,
): { offset: number | undefined; value: unknown } | undefined {
  const resolved = resolve(node, document);
  if (isMap(resolved)) {
    const pair = resolved.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
    );
    return pair === undefined ? undefined : { offset: startOf(pair.key), value: pair.value };
  }
  if (isSeq(resolved) && typeof part === 'number' && part < resolved.items.length) {
    const item = resolved.items[part];
    return { offset: startOf(item), value: item };
  }
  return undefined;
}

/** What an alias (`*name`) stands for. */
function resolve(node: unknown, document: Document): unknown {
  const alias = node as { resolve?: (document: Document) => Node | undefined } | null;
  return typeof alias?.resolve === 'function' ? alias.resolve(document) : node;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
