import { describe, expect, it } from 'vitest';
import { createScheme } from '../scheme/index.js';
import { encodeOpenApiV2, openApiDocuments } from './index.js';
import { decodeBase64 } from '../protobuf/index.js';

interface Document {
  readonly paths: Record<string, Record<string, { operationId: string; parameters: { name: string }[] }>>;
  readonly components: { schemas: Record<string, { properties: Record<string, object> }> };
  readonly definitions: Record<string, { properties: Record<string, object> }>;
}

const documents = openApiDocuments(createScheme());
const apps = documents.v3('apis/apps/v1') as unknown as Document;
const item = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}';

/** Compared with what kube-apiserver 1.36 serves. */
describe('OpenAPI v3', () => {
  it('has a document for every group version', () => {
    expect(documents.v3Paths()).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/batch/v1']));
    expect(documents.v3('apis/none/v1')).toBeUndefined();
  });

  it('names operations, kinds and actions as clients look for them', () => {
    expect(Object.keys(apps.paths[item]!)).toEqual(['parameters', 'get', 'put', 'patch', 'delete']);
    expect(apps.paths[item]!['patch']).toMatchObject({
      operationId: 'patchAppsV1NamespacedDeployment',
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' },
    });
    expect(apps.paths[`${item}/scale`]!['get']).toMatchObject({
      operationId: 'readAppsV1NamespacedDeploymentScale',
      'x-kubernetes-group-version-kind': { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    });
    expect(apps.paths['/apis/apps/v1/deployments']!['get']!.operationId).toBe(
      'listAppsV1DeploymentForAllNamespaces',
    );
    const core = documents.v3('api/v1') as unknown as Document;
    expect(core.paths['/api/v1/nodes']!['delete']!.operationId).toBe('deleteCoreV1CollectionNode');
    const exec = core.paths['/api/v1/namespaces/{namespace}/pods/{name}/exec']!;
    expect(exec['get']!.operationId).toBe('connectCoreV1GetNamespacedPodExec');
  });

  it('tells kubectl that PATCH takes fieldValidation and the rest', () => {
    const names = apps.paths[item]!['patch']!.parameters.map(({ name }) => name);
    expect(names).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force']);
  });

  it('writes schemas with their list and patch hints', () => {
    const { schemas } = apps.components;
    expect(schemas['io.k8s.api.apps.v1.Deployment']).toMatchObject({
      'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
    });
    expect(schemas['io.k8s.api.core.v1.Container']!.properties['ports']).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ContainerPort' },
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'containerPort',
      'x-kubernetes-patch-strategy': 'merge',
    });
    expect(schemas['io.k8s.api.apps.v1.DeploymentSpec']!.properties['strategy']).toEqual({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy' }],
      'x-kubernetes-patch-strategy': 'retainKeys',
    });
    expect(schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toEqual({
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    });
  });

  it('refers to nothing that it does not define', () => {
    for (const path of documents.v3Paths()) {
      const text = JSON.stringify(documents.v3(path));
      const { schemas } = (documents.v3(path) as unknown as Document).components;
      for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
        expect(schemas).toHaveProperty([name!]);
    }
  });

  it('publishes a custom resource with the schema that is given for it', () => {
    const scheme = createScheme();
    const pods = scheme.byResource({ group: '', version: 'v1', resource: 'configmaps' })!;
    const widget = {
      ...pods,
      group: 'example.com',
      version: 'v1',
      resource: 'widgets',
      kind: 'Widget',
      listKind: 'WidgetList',
    };
    scheme.add({ ...widget, definition: undefined });
    const schema = { type: 'object', properties: { spec: { type: 'object' } } };
    const made = openApiDocuments(scheme, ({ kind }) => (kind === 'Widget' ? schema : undefined));
    const { schemas } = (made.v3('apis/example.com/v1') as unknown as Document).components;
    expect(schemas['com.example.v1.Widget']).toMatchObject({
      properties: { spec: { type: 'object' } },
      'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Widget' }],
    });
    expect(schemas).toHaveProperty(['com.example.v1.WidgetList']);
  });
});

describe('OpenAPI v2', () => {
  it('says the same of everything in one document', () => {
    const whole = documents.v2() as Document;
    expect(whole.paths[item]!['put']!.parameters[0]).toEqual({
      name: 'body',
      in: 'body',
      required: true,
      schema: { $ref: '#/definitions/io.k8s.api.apps.v1.Deployment' },
    });
    expect(whole.definitions['io.k8s.api.apps.v1.DeploymentSpec']!.properties['strategy']).toEqual({
      $ref: '#/definitions/io.k8s.api.apps.v1.DeploymentStrategy',
      'x-kubernetes-patch-strategy': 'retainKeys',
    });
    const text = JSON.stringify(whole);
    for (const [, name] of text.matchAll(/"#\/definitions\/([^"]+)"/g))
      expect(Object.hasOwn(whole.definitions, name!)).toBe(true);
  });

  it('is written in protobuf as kube-apiserver writes it', () => {
    const definition = JSON.parse(
      `{"description": "ResourceFieldSelector represents container resources (cpu, memory) and their output format", "type": "object", "required": ["resource"], "properties": {"containerName": {"description": "Container name: required for volumes, optional for env vars", "type": "string"}, "divisor": {"description": "Specifies the output format of the exposed resources, defaults to \\"1\\"", "$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"}, "resource": {"description": "Required: resource to select", "type": "string"}}, "x-kubernetes-map-type": "atomic"}`,
    ) as object;
    const recorded =
      'SvADCu0DCihpby5rOHMuYXBpLmNvcmUudjEuUmVzb3VyY2VGaWVsZFNlbGVjdG9yEsADIlpSZXNvdXJjZUZpZWxkU2VsZWN0b3IgcmVwcmVzZW50cyBjb250YWluZXIgcmVzb3VyY2VzIChjcHUsIG1lbW9yeSkgYW5kIHRoZWlyIG91dHB1dCBmb3JtYXSaAQhyZXNvdXJjZbIBCAoGb2JqZWN0ygGlAgpZCg1jb250YWluZXJOYW1lEkgiO0NvbnRhaW5lciBuYW1lOiByZXF1aXJlZCBmb3Igdm9sdW1lcywgb3B0aW9uYWwgZm9yIGVudiB2YXJzsgEICgZzdHJpbmcKkAEKB2Rpdmlzb3IShAEKOyMvZGVmaW5pdGlvbnMvaW8uazhzLmFwaW1hY2hpbmVyeS5wa2cuYXBpLnJlc291cmNlLlF1YW50aXR5IkVTcGVjaWZpZXMgdGhlIG91dHB1dCBmb3JtYXQgb2YgdGhlIGV4cG9zZWQgcmVzb3VyY2VzLCBkZWZhdWx0cyB0byAiMSIKNQoIcmVzb3VyY2USKSIcUmVxdWlyZWQ6IHJlc291cmNlIHRvIHNlbGVjdLIBCAoGc3RyaW5n+gEiChV4LWt1YmVybmV0ZXMtbWFwLXR5cGUSCRIHYXRvbWljCg==';
    expect(
      encodeOpenApiV2({ definitions: { 'io.k8s.api.core.v1.ResourceFieldSelector': definition } }),
    ).toEqual(decodeBase64(recorded));
    const whole = encodeOpenApiV2(documents.v2());
    expect(whole.length).toBeGreaterThan(500_000);
  });
});
