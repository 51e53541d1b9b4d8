import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { KeyPair } from './security/certificates.ts';

/** A server to call: by URL, with the trust that the object in the API declares. */
export interface CallTarget {
  url: URL;
  /** PEM; the system's CAs when absent. */
  ca?: string | undefined;
  insecure?: boolean | undefined;
  serverName?: string | undefined;
  clientCertificate?: KeyPair | undefined;
}

export interface Outgoing {
  open(
    target: CallTarget,
    options: { method: string; headers: OutgoingHttpHeaders; signal?: AbortSignal },
  ): ClientRequest;
  /** Sends a body and collects the answer. Rejects on connection errors and when `signal` is aborted. */
  call(
    target: CallTarget,
    options: { method: string; headers: OutgoingHttpHeaders; body?: string; signal: AbortSignal },
  ): Promise<{ status: number; body: string }>;
  close(): void;
}

/** Calls from the API server to others; connections are kept and shared per trust. */
export function createOutgoing(): Outgoing {
  const agents = new Map<string, Agent>();

  const agentOf = ({ ca, insecure, serverName, clientCertificate }: CallTarget): Agent => {
    const key = [ca, insecure, serverName, clientCertificate?.cert].join('\n');
    const known = agents.get(key);
    if (known) return known;
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 64,
      rejectUnauthorized: !insecure,
      ...(ca ? { ca } : {}),
      ...(serverName && !isIP(serverName) ? { servername: serverName } : {}),
      ...(clientCertificate ? { cert: clientCertificate.cert, key: clientCertificate.key } : {}),
    });
    agents.set(key, agent);
    return agent;
  };

  const open: Outgoing['open'] = (target, { method, headers, signal }) => {
    const shared = { method, headers, ...(signal ? { signal } : {}) };
    return target.url.protocol === 'http:'
      ? plainRequest(target.url, shared)
      : tlsRequest(target.url, { ...shared, agent: agentOf(target) });
  };

  return {
    open,
    call: (target, { body, ...options }) =>
      new Promise((resolve, reject) => {
        const request = open(target, options);
        request.on('error', reject);
        request.on('response', (response) => {
          collect(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject);
        });
        request.end(body);
      }),
    close() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

async function collect(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A base64 `caBundle` field as PEM. */
export function decodeBundle(bundle: unknown): string | undefined {
  return typeof bundle === 'string' && bundle !== '' ? Buffer.from(bundle, 'base64').toString('utf8') : undefined;
}
