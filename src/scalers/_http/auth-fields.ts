import { type ConfigOf, list, query, string } from '../../spec/trigger-fields.ts';
import type { FieldProblem } from '../definition.ts';

const ANYWHERE = ['metadata', 'auth'] as const;

/** Fields that several HTTP triggers share (KEDA 2.21: arangodb, loki, metrics-api, predictkube, prometheus, pulsar). */
export const httpAuthFields = {
  authModes: list('How requests prove themselves; several may be combined.', {
    from: ANYWHERE,
    aliases: ['authMode'],
    allowed: ['apiKey', 'basic', 'tls', 'bearer', 'custom', 'oauth'],
    exclusive: ['bearer', 'basic', 'oauth'],
    note: 'At most one of `bearer`, `basic` and `oauth`.',
  }),
  bearerToken: string('Token for mode `bearer`.', { from: ['auth'], aliases: ['token'], secret: true }),
  username: string('User for mode `basic`.', { from: ['auth'] }),
  password: string('Password for mode `basic`; may be empty.', { from: ['auth'], secret: true }),
  cert: string('Client certificate (PEM) for mode `tls`.', { from: ['auth'] }),
  key: string('Private key (PEM) for mode `tls`.', { from: ['auth'], secret: true }),
  ca: string("Certificate authority (PEM) that is trusted beside the system's.", { from: ['auth'] }),
  oauthTokenURI: string('Address that gives tokens for mode `oauth`.', { from: ['auth'] }),
  scopes: list('Scopes for mode `oauth`.', { from: ['auth'], aliases: ['scope'] }),
  clientID: string('Client for mode `oauth`.', { from: ['auth'] }),
  clientSecret: string("The client's secret for mode `oauth`.", { from: ['auth'], secret: true }),
  endpointParams: query('More parameters of the token request for mode `oauth`, as a URL query.', {
    from: ['auth'],
    secret: true,
  }),
  customAuthHeader: string('Name of the header for mode `custom`.', { from: ['auth'] }),
  customAuthValue: string('Value of the header for mode `custom`.', { from: ['auth'], secret: true }),
  apiKey: string('The key for mode `apiKey`.', { from: ANYWHERE, secret: true }),
  method: string('Where the key goes in mode `apiKey`.', {
    from: ANYWHERE,
    default: 'header',
    allowed: ['header', 'query'],
  }),
  keyParamName: string('Name of the header or query parameter that carries the key in mode `apiKey`.', {
    from: ANYWHERE,
    note: 'Default: `X-API-KEY` as a header, `api_key` in a query.',
  }),
};

export type HttpAuthConfig = ConfigOf<typeof httpAuthFields>;

/** What each mode needs. `password` may be empty, and then counts as absent. */
const NEEDS: Record<string, readonly (keyof HttpAuthConfig)[]> = {
  bearer: ['bearerToken'],
  basic: ['username'],
  tls: ['cert', 'key'],
  oauth: ['oauthTokenURI', 'clientID'],
  custom: ['customAuthHeader', 'customAuthValue'],
  apiKey: ['apiKey'],
};

/** Fields that the chosen modes need and do not have. */
export function checkHttpAuth(config: Partial<HttpAuthConfig>): FieldProblem[] {
  return (config.authModes ?? []).flatMap((mode) =>
    (NEEDS[mode] ?? [])
      .filter((field) => config[field] === undefined)
      .map((field) => ({
        field,
        message: `${field} is required with authModes ${mode}: give it in a TriggerAuthentication`,
      })),
  );
}
