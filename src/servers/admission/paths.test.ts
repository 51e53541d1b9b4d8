import { expect, it } from 'vitest';
import { WEBHOOKS } from './paths.ts';

it('has the names and paths of the configuration that KEDA 2.21 ships', () => {
  expect(WEBHOOKS.map(({ name, path }) => `${name} ${path}`).toSorted()).toEqual([
    'vcloudeventsource.kb.io /validate-eventing-keda-sh-v1alpha1-cloudeventsource',
    'vclustercloudeventsource.kb.io /validate-eventing-keda-sh-v1alpha1-clustercloudeventsource',
    'vscaledjob.kb.io /validate-keda-sh-v1alpha1-scaledjob',
    'vscaledobject.kb.io /validate-keda-sh-v1alpha1-scaledobject',
    'vsclustertriggerauthentication.kb.io /validate-keda-sh-v1alpha1-clustertriggerauthentication',
    'vstriggerauthentication.kb.io /validate-keda-sh-v1alpha1-triggerauthentication',
  ]);
});
