import { WindlassError } from '../../base/errors.ts';
import type { Json } from '../../base/object.ts';
import { quantityToNumber } from '../../base/quantity.ts';
import { gjson } from '../_http/gjson.ts';
import { findSample, parseMetricSelector } from '../_http/prometheus-text.ts';

export type Format = 'json' | 'yaml' | 'xml' | 'prometheus';

/**
 * The number at a place in an answer. Texts such as `10Mi` are read as quantities where the format has texts.
 * @throws InvalidTrigger for a place that cannot be read; SourceAnswerInvalid when the answer is not of the format or has
 * no number there; NoData when it says NaN. Never shows the answer.
 */
export async function valueIn(body: string, format: Format, place: string): Promise<number> {
  switch (format) {
    case 'json':
      return toNumber(gjson(parseJson(body), place), place);
    case 'yaml':
      return toNumber(atDotPath(await parseYaml(body), place.split('.')), place);
    case 'xml':
      return toNumber(atXmlPath(await parseXml(body), place.split('.')), place);
    case 'prometheus': {
      const value = findSample(body, parseMetricSelector(place));
      if (value === undefined) throw invalid(`has no sample that matches ${place}`);
      return finite(value, place);
    }
  }
}

const invalid = (why: string, cause?: unknown) =>
  new WindlassError('SourceAnswerInvalid', `the answer ${why}`, {
    cause,
    hint: 'compare format and valueLocation with what the address answers',
  });

function toNumber(value: Json | undefined, place: string): number {
  if (typeof value === 'number') return finite(value, place);
  if (typeof value === 'string') {
    try {
      return quantityToNumber(value.trim());
    } catch {
      throw invalid(`has a text at ${place} that is not a quantity such as 5, 0.5 or 10Mi`);
    }
  }
  if (value === undefined || value === null) throw invalid(`has nothing at ${place}`);
  const kind = Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : 'a boolean';
  throw invalid(`has ${kind} at ${place} instead of a number`);
}

function finite(value: number, place: string): number {
  if (Number.isNaN(value)) throw new WindlassError('NoData', `the answer says NaN at ${place}`);
  if (!Number.isFinite(value)) throw invalid(`has an infinite number at ${place}`);
  return value;
}

function parseJson(body: string): Json {
  try {
    return JSON.parse(body);
  } catch {
    throw invalid('is not JSON');
  }
}

async function parseYaml(body: string): Promise<Json> {
  const { parse } = await import('yaml');
  let document: Json;
  try {
    document = parse(body, { logLevel: 'error' });
  } catch {
    throw invalid('is not YAML');
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw invalid('is not a YAML mapping');
  return document;
}

async function parseXml(body: string): Promise<Json> {
  const { XMLParser, XMLValidator } = await import('fast-xml-parser');
  if (XMLValidator.validate(body) !== true) throw invalid('is not XML');
  return new XMLParser({
    parseTagValue: false,
    ignoreAttributes: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
  }).parse(body);
}

/** Names and list positions, each one part. */
function atDotPath(value: Json | undefined, path: readonly string[]): Json | undefined {
  let current = value;
  for (const part of path) {
    if (Array.isArray(current)) current = /^\d+$/.test(part) ? current[Number(part)] : undefined;
    else if (typeof current === 'object' && current !== null)
      current = Object.hasOwn(current, part) ? current[part] : undefined;
    else return undefined;
  }
  return current;
}

/** A path may begin with the root element or inside it; an element that has attributes keeps its text apart. */
function atXmlPath(document: Json, path: readonly string[]): Json | undefined {
  const root = typeof document === 'object' && document !== null ? Object.values(document)[0] : undefined;
  const found = atDotPath(document, path) ?? atDotPath(root, path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? found['#text'] : found;
}
