import type { KubeObject } from '../base/object.ts';
import { defineKind } from '../spec/object-kind.ts';
import {
  authenticationSpec,
  authenticationStatus,
  type TriggerAuthenticationSpec,
  type TriggerAuthenticationStatus,
} from './authentication-spec.ts';
import { CLUSTER_TRIGGER_AUTHENTICATIONS } from './resources.ts';
import { AUTHENTICATION_COLUMNS } from './trigger-authentication.ts';

export const clusterTriggerAuthenticationKind = defineKind({
  type: CLUSTER_TRIGGER_AUTHENTICATIONS,
  singular: 'clustertriggerauthentication',
  shortNames: ['cta', 'clustertriggerauth'],
  description:
    'Says where triggers of any namespace get their credentials from. Secrets it names are in the namespace of the operator.',
  columns: [
    ...AUTHENTICATION_COLUMNS.first,
    { name: 'FilePath', path: '.spec.filePath' },
    ...AUTHENTICATION_COLUMNS.last,
  ],
  spec: authenticationSpec,
  status: authenticationStatus,
});

export interface ClusterTriggerAuthentication extends KubeObject {
  spec: TriggerAuthenticationSpec;
  status?: TriggerAuthenticationStatus;
}
