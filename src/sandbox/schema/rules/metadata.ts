import type { ResourceType } from '../../../base/object.ts';
import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import { type Fields, items, part, text } from '../fields.ts';
import {
  checkLabels,
  dns1035Problems,
  labelProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from '../names.ts';

/** Kubernetes: all annotations together, keys and values. */
const ANNOTATIONS_LIMIT = 256 * 1024;

const NAME_RULES: Record<string, (name: string) => string[]> = {
  '/Namespace': labelProblems,
  '/Service': dns1035Problems,
  'apiregistration.k8s.io/APIService': pathSegmentProblems,
  'rbac.authorization.k8s.io/Role': pathSegmentProblems,
  'rbac.authorization.k8s.io/ClusterRole': pathSegmentProblems,
  'rbac.authorization.k8s.io/RoleBinding': pathSegmentProblems,
  'rbac.authorization.k8s.io/ClusterRoleBinding': pathSegmentProblems,
};

/** What is wrong with an object's metadata. */
export function checkMetadata(type: ResourceType, object: Fields): FieldError[] {
  const metadata = part(object, 'metadata');
  const errors: FieldError[] = [];
  const name = text(metadata, 'name');
  const rule = NAME_RULES[`${type.group}/${type.kind}`] ?? subdomainProblems;
  if (name === '' && text(metadata, 'generateName') === '')
    errors.push(required('metadata.name', 'name or generateName is required'));
  else if (name !== '') errors.push(...rule(name).map((problem) => invalid('metadata.name', name, problem)));
  if (!type.namespaced && text(metadata, 'namespace') !== '')
    errors.push(forbidden('metadata.namespace', 'not allowed on this type'));
  errors.push(...checkLabels(part(metadata, 'labels'), 'metadata.labels'));
  let size = 0;
  for (const [key, value] of Object.entries(part(metadata, 'annotations'))) {
    size += key.length + String(value).length;
    // Kubernetes: the keys of annotations may be upper case in their prefix.
    errors.push(
      ...qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid('metadata.annotations', key, problem)),
    );
  }
  if (size > ANNOTATIONS_LIMIT)
    errors.push({
      field: 'metadata.annotations',
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`,
    });
  errors.push(...checkOwners(metadata));
  for (const [index, finalizer] of (Array.isArray(metadata.finalizers) ? metadata.finalizers : []).entries())
    errors.push(
      ...qualifiedNameProblems(String(finalizer)).map((p) => invalid(`metadata.finalizers[${index}]`, finalizer, p)),
    );
  return errors;
}

function checkOwners(metadata: Fields): FieldError[] {
  const errors: FieldError[] = [];
  const owners = items(metadata, 'ownerReferences');
  owners.forEach((owner, index) => {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'])
      if (text(owner, field) === '')
        errors.push(
          invalid(
            `metadata.ownerReferences[${index}].${field}`,
            owner[field] ?? '',
            `${field === 'apiVersion' ? 'version' : field} must not be empty`,
          ),
        );
  });
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1)
    errors.push(
      invalid(
        'metadata.ownerReferences',
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${text(controllers[0] ?? {}, 'kind')}/${text(controllers[0] ?? {}, 'name')} and ${text(controllers[1] ?? {}, 'kind')}/${text(controllers[1] ?? {}, 'name')}`,
      ),
    );
  return errors;
}
