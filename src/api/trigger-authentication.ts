import type { KubeObject } from '../base/object.ts';
import { defineKind, type PrinterColumn } from '../spec/object-kind.ts';
import {
  authenticationSpec,
  authenticationStatus,
  type TriggerAuthenticationSpec,
  type TriggerAuthenticationStatus,
} from './authentication-spec.ts';
import { TRIGGER_AUTHENTICATIONS } from './resources.ts';

/** Columns that both kinds show, before and after the cluster-wide kind's own. */
export const AUTHENTICATION_COLUMNS: { first: readonly PrinterColumn[]; last: readonly PrinterColumn[] } = {
  first: [
    { name: 'PodIdentity', path: '.spec.podIdentity.provider' },
    { name: 'Secret', path: '.spec.secretTargetRef[*].name' },
    { name: 'Env', path: '.spec.env[*].name' },
  ],
  last: [
    { name: 'VaultAddress', path: '.spec.hashiCorpVault.address' },
    { name: 'ScaledObjects', path: '.status.scaledobjects', priority: 1 },
    { name: 'ScaledJobs', path: '.status.scaledjobs', priority: 1 },
  ],
};

export const triggerAuthenticationKind = defineKind({
  type: TRIGGER_AUTHENTICATIONS,
  singular: 'triggerauthentication',
  shortNames: ['ta', 'triggerauth'],
  description: 'Says where triggers of its namespace get their credentials from.',
  columns: [...AUTHENTICATION_COLUMNS.first, ...AUTHENTICATION_COLUMNS.last],
  spec: authenticationSpec,
  status: authenticationStatus,
});

export interface TriggerAuthentication extends KubeObject {
  spec: TriggerAuthenticationSpec;
  status?: TriggerAuthenticationStatus;
}
