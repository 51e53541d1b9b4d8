import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Every write of one user, and of anybody to the group keda.sh, as the API server itself records them. */
export interface AuditLog {
  flags: string[];
  writes(): Promise<Write[]>;
}

export interface Write {
  user: string;
  verb: string;
  group: string;
  /** Lower-case plural, with its subresource. */
  resource: string;
  at: number;
}

interface AuditEvent {
  verb: string;
  user: { username: string };
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string };
  stageTimestamp: string;
}

/** Prepares the audit log of an API server in a folder. */
export async function prepareAuditLog(folder: string, user: string): Promise<AuditLog> {
  const policyFile = path.join(folder, 'audit-policy.json');
  const logFile = path.join(folder, 'audit.log');
  await writeFile(logFile, '');
  await writeFile(
    policyFile,
    JSON.stringify({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived', 'ResponseStarted'],
      rules: [
        { level: 'None', verbs: ['get', 'list', 'watch'] },
        // Questions, which Kubernetes has people put as creations.
        { level: 'None', resources: [{ group: 'authentication.k8s.io' }, { group: 'authorization.k8s.io' }] },
        { level: 'Metadata', users: [user] },
        { level: 'Metadata', resources: [{ group: 'keda.sh' }] },
      ],
    }),
  );
  return {
    flags: [`--audit-policy-file=${policyFile}`, `--audit-log-path=${logFile}`],
    async writes() {
      const lines = (await readFile(logFile, 'utf8')).split('\n').slice(0, -1);
      return lines.map((line) => {
        const { verb, user: by, objectRef: ref = {}, stageTimestamp } = JSON.parse(line) as AuditEvent;
        return {
          user: by.username,
          verb,
          group: ref.apiGroup ?? '',
          resource: [ref.resource, ref.subresource].filter(Boolean).join('/'),
          at: Date.parse(stageTimestamp),
        };
      });
    },
  };
}
