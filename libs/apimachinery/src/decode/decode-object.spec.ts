import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../errors/api-error.js';
import { definitionOfKind, schemaOf } from '../structure/schema.js';
import { conformObject, decodeObject } from './decode-object.js';
import type { FieldValidation } from './decode-object.js';

function optionsFor(group: string, version: string, kind: string, fieldValidation?: FieldValidation) {
  return {
    schema: schemaOf(definitionOfKind(group, version, kind)!),
    declaration: { group, version, kind },
    ...(fieldValidation === undefined ? {} : { fieldValidation }),
  };
}
const pod = optionsFor('', 'v1', 'Pod');
const deployment = optionsFor('apps', 'v1', 'Deployment');

function refusal(body: string, options = deployment): string {
  try {
    decodeObject(body, options);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'BadRequest') return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

describe('decodeObject', () => {
  it('prunes fields that the schema does not know and says which', () => {
    const { object, warnings } = decodeObject(
      '{"metadata":{"name":"a"},"spec":{"foo":1,"containers":[{"name":"c","imagee":"x"}]}}',
      pod,
    );
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c' }] },
    });
    expect(warnings).toEqual(['unknown field "spec.foo"', 'unknown field "spec.containers[0].imagee"']);
  });

  it('finds duplicate fields, the last of which wins', () => {
    const { object, warnings } = decodeObject(
      '{"spec":{"nodeName":"a","nodeName":"b","containers":[{"name":"c"},{"name":"d","name":"e"}]},"metadata":{"labels":{"x":"1","x":"2"}}}',
      pod,
    );
    expect((object as { spec?: { nodeName?: string } }).spec?.nodeName).toBe('b');
    expect(warnings).toEqual([
      'duplicate field "spec.nodeName"',
      'duplicate field "spec.containers[1].name"',
      'duplicate field "metadata.labels.x"',
    ]);
  });

  it('sees a duplicate key that is spelled with an escape', () => {
    expect(decodeObject('{"kind":"Pod","k\\u0069nd":"Pod"}', pod).warnings).toEqual([
      'duplicate field "kind"',
    ]);
  });

  it('refuses unknown and duplicate fields when strict, all in one message', () => {
    expect(
      refusal(
        '{"spec":{"foo":1,"replicas":1,"replicas":2}}',
        optionsFor('apps', 'v1', 'Deployment', 'Strict'),
      ),
    ).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"',
    );
  });

  it('prunes without a word when told to ignore', () => {
    const decoded = decodeObject('{"spec":{"foo":1}}', optionsFor('apps', 'v1', 'Deployment', 'Ignore'));
    expect(decoded.warnings).toEqual([]);
    expect(decoded.object['spec']).toEqual({});
  });

  it.each([
    [
      '{"spec":{"replicas":"3"}}',
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"replicas":1.5}}',
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"replicas":3000000000}}',
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"spec":{"paused":"yes"}}',
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool',
    ],
    [
      '{"metadata":{"labels":{"a":1}}}',
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      '{"metadata":{"labels":[]}}',
      'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
    [
      '{"spec":{"template":{"spec":{"containers":{}}}}}',
      'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      '{"spec":{"template":{"spec":{"containers":[{"image":5}]}}}}',
      'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type string',
    ],
    [
      '{"spec":[]}',
      'json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec',
    ],
  ])('refuses a value of the wrong type in Go’s words: %s', (body, message) => {
    expect(refusal(body)).toBe(`Deployment in version "v1" cannot be handled as a Deployment: ${message}`);
  });

  it.each(['', '[]', 'null', '1', '"x"', '{', '{"a":}', '{"kind":"Deployment"', '\u0000'])(
    'refuses what is no JSON object: %j',
    (body) => {
      expect(refusal(body)).toMatch(/^the object provided is unrecognized \(must be of type Deployment\)/);
    },
  );

  it('refuses nesting that would exhaust the stack', () => {
    expect(refusal(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).toMatch(/exceeded max depth/);
    expect(refusal('['.repeat(1_000_000))).toMatch(/exceeded max depth/);
  });

  it('refuses another kind or version than the path names', () => {
    expect(refusal('{"apiVersion":"v1","kind":"Deployment"}')).toBe(
      'the API version in the data (v1) does not match the expected API version (apps/v1)',
    );
    expect(refusal('{"apiVersion":"apps/v1","kind":"DaemonSet"}')).toMatch(
      /DaemonSet in version "v1" cannot be handled as a Deployment/,
    );
  });

  it('takes null as absent, and as a zero value inside lists and maps', () => {
    const { object } = decodeObject(
      '{"metadata":{"creationTimestamp":null,"labels":{"a":null},"annotations":null},"spec":{"containers":[{"name":"c","args":[null]}],"volumes":null}}',
      pod,
    );
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { labels: { a: '' } },
      spec: { containers: [{ name: 'c', args: [''] }] },
    });
  });

  it('drops zero values that Go leaves out and keeps those that mean something', () => {
    const { object } = decodeObject(
      JSON.stringify({
        spec: {
          hostNetwork: false,
          nodeName: '',
          nodeSelector: {},
          tolerations: [],
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          containers: [],
          volumes: [{ name: 'v', emptyDir: {} }],
        },
      }),
      pod,
    );
    expect(object['spec']).toEqual({
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [],
      volumes: [{ name: 'v', emptyDir: {} }],
    });
  });

  it('makes quantities and times canonical', () => {
    const { object } = decodeObject(
      JSON.stringify({
        metadata: { creationTimestamp: '2026-01-02T04:04:05.9+01:00' },
        spec: { containers: [{ name: 'c', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }] },
      }),
      pod,
    );
    expect(object.metadata.creationTimestamp).toBe('2026-01-02T03:04:05Z');
    expect((object['spec'] as { containers: { resources: unknown }[] }).containers[0]!.resources).toEqual({
      limits: { cpu: '500m', memory: '1Gi' },
    });
  });

  it.each([
    [
      '{"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}}',
      /quantities must match the regular expression/,
    ],
    ['{"metadata":{"creationTimestamp":"yesterday"}}', /parsing time "yesterday"/],
    ['{"metadata":{"creationTimestamp":"2026-02-30T00:00:00Z"}}', /parsing time/],
  ])('refuses a scalar that does not parse: %s', (body, message) => {
    expect(refusal(body, pod)).toMatch(message);
  });

  it('takes integers and strings where both are welcome', () => {
    const body = (port: unknown) => JSON.stringify({ spec: { ports: [{ port: 80, targetPort: port }] } });
    const service = optionsFor('', 'v1', 'Service');
    expect(decodeObject(body('http'), service).object['spec']).toEqual({
      ports: [{ port: 80, targetPort: 'http' }],
    });
    expect(decodeObject(body(8080), service).object['spec']).toEqual({
      ports: [{ port: 80, targetPort: 8080 }],
    });
    expect(refusal(body(true), service)).toMatch(/cannot unmarshal bool/);
  });

  it('refuses data that is not base64', () => {
    expect(refusal('{"data":{"a":"###"}}', optionsFor('', 'v1', 'Secret'))).toMatch(
      /illegal base64 data at input byte 0/,
    );
  });

  it('bounds what it tells of a hostile body', () => {
    const fields = Array.from({ length: 500 }, (_, index) => `"x${index}":1`).join(',');
    const twice = Array.from({ length: 500 }, (_, index) => `"a${index}":"1","a${index}":"2"`).join(',');
    const { warnings } = decodeObject(`{${fields},"metadata":{"labels":{${twice}}}}`, pod);
    expect(warnings).toHaveLength(200);
  });

  it('refuses an integer that Go could not hold', () => {
    expect(refusal('{"metadata":{"generation":1e300}}', pod)).toMatch(
      /cannot unmarshal number 1e\+300 into Go struct field ObjectMeta\.metadata\.generation of type int64/,
    );
  });

  it('is case-sensitive in field names', () => {
    expect(decodeObject('{"Spec":{}}', pod).warnings).toEqual(['unknown field "Spec"']);
  });

  it('keeps any JSON where the schema allows any', () => {
    const body = { metadata: { managedFields: [{ manager: 'm', fieldsV1: { 'f:spec': { 'f:a': {} } } }] } };
    expect(decodeObject(JSON.stringify(body), pod).object.metadata).toEqual(body.metadata);
  });

  it('decodes bytes as it decodes text', () => {
    const body = '{"metadata":{"name":"ü"}}';
    expect(decodeObject(new TextEncoder().encode(body), pod)).toEqual(decodeObject(body, pod));
  });

  it('lets no key reach a prototype', () => {
    const evil =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"metadata":{"labels":{"__proto__":"x","a":"b"},"annotations":{"constructor":"y"}},"spec":{"__proto__":{"hostNetwork":true}}}';
    const { object } = decodeObject(evil, pod);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect((object['spec'] as Record<string, unknown>)['hostNetwork']).toBeUndefined();
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.keys(object)).toEqual(['metadata', 'spec', 'apiVersion', 'kind']);
    expect(Object.hasOwn(object.metadata.labels!, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(object.metadata.labels)).toBe(Object.prototype);
  });

  it('keeps a null under __proto__ in a map as own data', () => {
    const { object } = decodeObject('{"data":{"__proto__":null}}', optionsFor('', 'v1', 'ConfigMap'));
    expect(Object.entries(object['data'] as object)).toEqual([['__proto__', '']]);
  });

  it('answers any text with an object or with BadRequest, and pollutes nothing', () => {
    const keys = fc.constantFrom(
      'metadata',
      'spec',
      'labels',
      '__proto__',
      'constructor',
      'containers',
      'name',
      'status',
      'data',
      'kind',
    );
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue({ maxDepth: 2 }),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.array(fc.tuple(keys, tie('json')), { maxLength: 5 }).map((entries) => {
          const object = {};
          for (const [key, value] of entries)
            Object.defineProperty(object, key, {
              value,
              enumerable: true,
              configurable: true,
              writable: true,
            });
          return object;
        }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          json.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (text) => {
          for (const options of [pod, deployment]) {
            try {
              const { object } = decodeObject(text, options);
              expect(JSON.parse(JSON.stringify(object))).toBeTypeOf('object');
            } catch (error) {
              expect(error).toBeInstanceOf(ApiError);
              expect((error as ApiError).code).toBe(400);
            }
          }
          expect(Object.keys(Object.prototype)).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is idempotent: what it made it leaves as it is', () => {
    const { object } = decodeObject(
      '{"metadata":{"name":"a"},"spec":{"x":1,"containers":[{"name":"c","resources":{"limits":{"cpu":"0.1"}}}]}}',
      pod,
    );
    const again = conformObject(structuredClone(object), pod);
    expect(again.object).toEqual(object);
    expect(again.warnings).toEqual([]);
  });
});
