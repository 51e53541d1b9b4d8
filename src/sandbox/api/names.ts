import type { ResourceType } from '../../base/object.ts';
import { type InvalidField, invalid } from './failures.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_RULE = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_RULE = new RegExp(`^${SUBDOMAIN}$`);

const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  `alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  `with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;

/** @throws ApiError Invalid when the name is not one that the type accepts */
export function checkName(type: ResourceType, name: string): void {
  const problem = problemOf(type, name);
  if (!problem) return;
  const cause: InvalidField = {
    reason: 'FieldValueInvalid',
    field: 'metadata.name',
    message: `Invalid value: ${JSON.stringify(name)}: ${problem}`,
  };
  throw invalid(type, name, [cause]);
}

function problemOf({ group, plural }: ResourceType, name: string): string | undefined {
  // Kubernetes: RBAC names only have to fit in a path segment (`system:node` is one).
  if (group === 'rbac.authorization.k8s.io') {
    if (name === '.' || name === '..') return `may not be '${name}'`;
    const bad = ['/', '%'].find((character) => name.includes(character));
    return bad ? `may not contain '${bad}'` : undefined;
  }
  if (group === '' && (plural === 'namespaces' || plural === 'services')) {
    if (name.length > 63) return 'must be no more than 63 characters';
    return LABEL_RULE.test(name) ? undefined : LABEL_TEXT;
  }
  if (name.length > 253) return 'must be no more than 253 characters';
  return SUBDOMAIN_RULE.test(name) ? undefined : SUBDOMAIN_TEXT;
}

// Kubernetes: no vowels and no digits that read as vowels, so that no words come out.
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** The prefix, cut to fit a label, with five random characters, as generateName asks for. */
export function generateName(prefix: string): string {
  let suffix = '';
  for (let i = 0; i < 5; i++) suffix += ALPHABET[Math.floor(Math.random() * ALPHABET.length)];
  return `${prefix.slice(0, 63 - 5)}${suffix}`;
}
