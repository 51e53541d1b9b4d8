import type { KindName } from '../../api/kinds.ts';
import { formatPath } from '../../spec/object-path.ts';
import type { AdmissionNote, AdmissionProblem, Verdict } from './types.ts';

type Fields = Record<string, unknown>;

/** What is judged: an object as it is to be stored, and as it is now. */
export interface AdmissionRequest {
  uid: string;
  operation: string;
  name: string;
  namespace: string;
  subresource: string;
  dryRun: boolean;
  object: Fields | undefined;
  oldObject: Fields | undefined;
}

/** A request that cannot be read; the message says why. */
export type Undecodable = { undecodable: string; uid: string };

const API_VERSION = 'admission.k8s.io/v1';

/** Reads the body of an AdmissionReview (admission.k8s.io/v1) that was sent for objects of the kind. */
export function readReview(body: string, kind: KindName): AdmissionRequest | Undecodable {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    return { undecodable: 'the body is not JSON', uid: '' };
  }
  if (!isFields(review) || review.kind !== 'AdmissionReview' || review.apiVersion !== API_VERSION)
    return { undecodable: `the body is not an AdmissionReview of ${API_VERSION}`, uid: '' };
  const { request } = review;
  if (!isFields(request) || typeof request.uid !== 'string' || request.uid === '')
    return { undecodable: 'the AdmissionReview has no request with a uid', uid: '' };
  const { uid } = request;
  const object = isFields(request.object) ? request.object : undefined;
  const operation = textOf(request.operation);
  if (operation !== 'DELETE' && operation !== 'CONNECT' && object === undefined)
    return { undecodable: 'the request has no object', uid };
  if (object !== undefined && object.kind !== kind)
    return { undecodable: `the object is a ${String(object.kind)}, and this is the address for a ${kind}`, uid };
  return {
    uid,
    operation,
    name: textOf(request.name),
    namespace: textOf(request.namespace),
    subresource: textOf(request.subResource),
    dryRun: request.dryRun === true,
    object,
    oldObject: isFields(request.oldObject) ? request.oldObject : undefined,
  };
}

/** The AdmissionReview that answers with a verdict. */
export function answerReview(uid: string, { problems, notes }: Verdict): object {
  const warnings = warningTexts(notes);
  return review({
    uid,
    allowed: problems.length === 0,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(problems.length === 0 ? {} : { status: refusal(problems) }),
  });
}

/** The AdmissionReview that answers a request that cannot be read. */
export function answerUndecodable({ uid, undecodable: message }: Undecodable): object {
  return review({ uid, allowed: false, status: { status: 'Failure', reason: 'BadRequest', code: 400, message } });
}

function review(response: object): object {
  return { apiVersion: API_VERSION, kind: 'AdmissionReview', response };
}

function refusal(problems: readonly AdmissionProblem[]): object {
  return {
    status: 'Failure',
    reason: 'Forbidden',
    code: 403,
    message: refusalText(problems),
    details: {
      causes: problems.map(({ path, message }) => ({ reason: 'FieldValueInvalid', field: path, message })),
    },
  };
}

/** All problems, one a line. */
export function refusalText(problems: readonly AdmissionProblem[]): string {
  const lines = problems.map(problemText);
  return lines.length === 1 ? (lines[0] ?? '') : [`${lines.length} problems:`, ...lines].join('\n- ');
}

const LONGEST_VALUE = 80;

function problemText({ path, value, message }: AdmissionProblem): string {
  const field = path === '' ? 'the object' : path;
  if (!['string', 'number', 'boolean'].includes(typeof value)) return `${field}: ${message}`;
  const text = JSON.stringify(value);
  return `${field} (${text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text}): ${message}`;
}

/** Kubernetes: longer warnings, and those past this sum, may be cut off by the API server. */
const LONGEST_WARNING = 256;
const ALL_WARNINGS = 4096;

/** Notes as texts of a `Warning` header, which has neither line breaks nor more than 256 characters. */
export function warningTexts(notes: readonly AdmissionNote[]): string[] {
  const texts = notes.map(({ path, message }) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a header must not have them
    const text = `${path}: ${message}`.replace(/[\s\u0000-\u001f\u007f]+/g, ' ').trim();
    return text.length > LONGEST_WARNING ? `${text.slice(0, LONGEST_WARNING - 1)}…` : text;
  });
  const fits: string[] = [];
  let sum = 0;
  for (const [position, text] of texts.entries()) {
    sum += text.length;
    // Room for the last line, which says what is missing.
    if (sum > ALL_WARNINGS - LONGEST_WARNING) {
      fits.push(`and ${texts.length - position} more warnings; windlass lint shows all of them`);
      break;
    }
    fits.push(text);
  }
  return fits;
}

/** A note on a field. */
export function note(path: readonly (string | number)[], message: string): AdmissionNote {
  return { path: formatPath(path), message };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
