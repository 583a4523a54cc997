import { definitionNames, definitionOfKind, schemaOf } from '../structure/schema.js';
import type { GroupVersionKind, ResourceDeclaration, Scheme } from '../types.js';
import { basePath, operationsOf, patchDefinition } from './operations.js';
import { schemaBody, type OpenApiForm, type SchemaWriter } from './schema-object.js';
import { pathParameters, writeOperation } from './write-operation.js';

/** The OpenAPI schema of a custom resource's objects; undefined for a declaration of a built-in kind. */
export type CustomSchema = (declaration: ResourceDeclaration) => object | undefined;

export interface OpenApiDocuments {
  /** Paths below `/openapi/v3/` that have a document: `api/v1`, `apis/apps/v1`, … */
  v3Paths(): readonly string[];
  /** OpenAPI 3.0 of one group version; undefined where none is served. */
  v3(path: string): object | undefined;
  /** Swagger 2.0 of all that is served. */
  v2(): object;
}

const info = { title: 'Kubernetes', version: 'v1.36.0' };
const security = {
  BearerToken: {
    type: 'apiKey',
    description: 'Bearer Token authentication',
    name: 'authorization',
    in: 'header',
  },
};

/**
 * OpenAPI of a scheme. Documents are made when asked for and not kept: the caller caches them until the scheme changes.
 * The structure data has no descriptions, so there are none here.
 */
export function openApiDocuments(
  scheme: Scheme,
  customSchema: CustomSchema = () => undefined,
): OpenApiDocuments {
  const groupVersions = () =>
    scheme.groups().flatMap((group) => scheme.versions(group).map((version) => ({ group, version })));
  const served = (group: string, version: string) =>
    scheme.resources().filter((each) => each.group === group && each.version === version);
  return {
    v3Paths: () => groupVersions().map(({ group, version }) => basePath(group, version).slice(1)),
    v3(path) {
      const found = groupVersions().find(({ group, version }) => basePath(group, version) === `/${path}`);
      if (found === undefined) return undefined;
      const { paths, schemas } = write('v3', served(found.group, found.version), customSchema);
      return { openapi: '3.0.0', info, paths, components: { schemas, securitySchemes: security } };
    },
    v2() {
      const { paths, schemas } = write('v2', scheme.resources(), customSchema);
      return {
        swagger: '2.0',
        info,
        paths,
        definitions: schemas,
        securityDefinitions: security,
        security: [{ BearerToken: [] }],
      };
    },
  };
}

function write(
  form: OpenApiForm,
  declarations: readonly ResourceDeclaration[],
  customSchema: CustomSchema,
): { paths: object; schemas: object } {
  const definitions = new Definitions(form);
  const paths: Record<string, Record<string, object>> = {};
  for (const declaration of declarations) {
    const custom = customSchema(declaration);
    const definitionOf = (kind: GroupVersionKind) => definitions.ofKind(kind);
    if (custom !== undefined) definitions.addCustom(declaration, custom);
    for (const operation of operationsOf(declaration, definitionOf)) {
      const item = (paths[operation.path] ??= {});
      const parameters = pathParameters(operation, definitions.writer);
      if (parameters.length > 0) item['parameters'] = parameters;
      item[operation.method] = writeOperation(operation, definitions.writer);
    }
  }
  return { paths, schemas: definitions.finish() };
}

/** The definitions that a document refers to, with those that they refer to. */
class Definitions {
  readonly writer: SchemaWriter;
  private readonly schemas: Record<string, object> = {};
  private readonly pending: string[] = [];
  private readonly seen = new Set<string>();
  private readonly kinds = new Map<string, GroupVersionKind[]>();
  private readonly customNames = new Map<string, string>();

  constructor(form: OpenApiForm) {
    this.writer = {
      form,
      refer: (definition) => {
        if (this.seen.has(definition)) return;
        this.seen.add(definition);
        this.pending.push(definition);
      },
    };
  }

  /** Names the definition of a kind, and remembers the kind for it: clients find schemas by their kind. */
  ofKind(kind: GroupVersionKind): string | undefined {
    const definition =
      this.customNames.get(`${kind.group}/${kind.version}/${kind.kind}`) ??
      definitionOfKind(kind.group, kind.version, kind.kind);
    if (definition === undefined) return undefined;
    const known = this.kinds.get(definition) ?? [];
    if (!known.some((each) => each.group === kind.group && each.version === kind.version)) known.push(kind);
    this.kinds.set(definition, known);
    return definition;
  }

  addCustom({ group, version, kind, listKind }: ResourceDeclaration, schema: object): void {
    const prefix = `${group.split('.').toReversed().join('.')}.${version}.`;
    const name = prefix + kind;
    const refer = (definition: string) => {
      this.writer.refer(definition);
      return {
        $ref: `${this.writer.form === 'v3' ? '#/components/schemas/' : '#/definitions/'}${definition}`,
      };
    };
    const { properties, ...rest } = schema as { properties?: object };
    this.customNames.set(`${group}/${version}/${kind}`, name);
    this.customNames.set(`${group}/${version}/${listKind}`, prefix + listKind);
    this.schemas[name] = {
      ...rest,
      type: 'object',
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        ...properties,
        metadata: refer('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'),
      },
    };
    this.schemas[prefix + listKind] = {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        items: { type: 'array', items: refer(name) },
        metadata: refer('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta'),
      },
    };
    this.seen.add(name);
    this.seen.add(prefix + listKind);
  }

  finish(): object {
    names ??= new Set(definitionNames());
    for (let definition = this.pending.pop(); definition !== undefined; definition = this.pending.pop()) {
      if (definition === patchDefinition) this.schemas[definition] = { type: 'object' };
      else if (names.has(definition)) {
        this.schemas[definition] = schemaBody(schemaOf(definition), this.writer);
      }
    }
    for (const [definition, kinds] of this.kinds) {
      const schema = this.schemas[definition];
      if (schema !== undefined)
        this.schemas[definition] = { ...schema, 'x-kubernetes-group-version-kind': kinds };
    }
    return Object.fromEntries(Object.entries(this.schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

let names: ReadonlySet<string> | undefined;
