import { isFields } from '../fields.ts';

interface Document {
  paths: Record<string, Record<string, unknown>>;
  components: { schemas: Record<string, unknown> };
}

/** OpenAPI 2.0 knows neither of these. */
const UNKNOWN_TO_V2 = ['nullable', 'oneOf', 'anyOf', 'not', 'x-kubernetes-unions'];

/** One OpenAPI 2.0 document of several OpenAPI 3.0 documents. */
export function toVersion2(documents: object[], info: object): object {
  const definitions: Record<string, unknown> = {};
  const paths: Record<string, unknown> = {};
  for (const document of documents as Document[]) {
    for (const [name, schema] of Object.entries(document.components.schemas)) definitions[name] ??= schemaOf(schema);
    for (const [path, item] of Object.entries(document.paths)) paths[path] = pathOf(item);
  }
  return { swagger: '2.0', info, paths, definitions };
}

function schemaOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(schemaOf);
  if (!isFields(schema)) return schema;
  const kept = Object.entries(schema).filter(([name]) => !UNKNOWN_TO_V2.includes(name));
  const out: Record<string, unknown> = {};
  for (const [name, value] of kept) {
    if (name === '$ref') out.$ref = refOf(value);
    else if (name === 'allOf' && Array.isArray(value)) Object.assign(out, ...value.map(schemaOf));
    else if (name === 'properties' && isFields(value))
      out.properties = Object.fromEntries(Object.entries(value).map(([field, child]) => [field, schemaOf(child)]));
    else out[name] = name === 'items' || name === 'additionalProperties' ? schemaOf(value) : value;
  }
  // Quantities and ports: 3.0 says one of two types, 2.0 a string with a format.
  if (schema.oneOf !== undefined || schema['x-kubernetes-int-or-string'] === true) out.type ??= 'string';
  // A zero default only marks a field that is no pointer in Go.
  if (isFields(out.default) && Object.keys(out.default).length === 0) delete out.default;
  return out;
}

function refOf(ref: unknown): string {
  return String(ref).replace('#/components/schemas/', '#/definitions/');
}

function pathOf(item: Record<string, unknown>): unknown {
  const out: Record<string, unknown> = {};
  for (const [method, operation] of Object.entries(item)) {
    if (method === 'parameters') out.parameters = parametersOf(operation);
    else if (isFields(operation)) out[method] = operationOf(operation);
  }
  return out;
}

function operationOf({ requestBody, responses, parameters, ...rest }: Record<string, unknown>): unknown {
  const content = isFields(requestBody) && isFields(requestBody.content) ? requestBody.content : {};
  const [body] = Object.values(content).filter(isFields);
  const answers = Object.entries(isFields(responses) ? responses : {}).map(([code, response]) => {
    const { content: given, description } = response as {
      content?: Record<string, { schema: unknown }>;
      description: string;
    };
    const schema = given?.['application/json']?.schema;
    return [code, { description, ...(schema === undefined ? {} : { schema: schemaOf(schema) }) }];
  });
  return {
    ...rest,
    consumes: body === undefined ? ['*/*'] : Object.keys(content),
    produces: ['application/json', 'application/yaml'],
    parameters: [
      ...(body === undefined ? [] : [{ name: 'body', in: 'body', required: true, schema: schemaOf(body.schema) }]),
      ...parametersOf(parameters),
    ],
    responses: Object.fromEntries(answers),
  };
}

function parametersOf(parameters: unknown): unknown[] {
  const list = Array.isArray(parameters) ? parameters : [];
  return list.map(({ schema, ...rest }: { schema?: { type?: string } }) => ({
    ...rest,
    type: schema?.type ?? 'string',
  }));
}
