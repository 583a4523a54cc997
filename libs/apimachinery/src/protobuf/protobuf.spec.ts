import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaOf, definitionNames, definitionOfKind } from '../structure/schema.js';
import type { JsonObject } from '../types.js';
import {
  decodeBase64,
  decodeProtobuf,
  encodeBase64,
  encodeProtobuf,
  encodeProtobufList,
  encodeProtobufMessage,
  encodeWatchFrame,
  hasProtobuf,
} from './index.js';

/** The same objects as kube-apiserver 1.36 sent them, in both forms. */
const recorded: readonly (readonly [name: string, protobuf: string, json: string])[] = [
  [
    'a ConfigMap',
    'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEsgBCrMBCgJjbRIAGgdkZWZhdWx0IgAqJGM4NjcxOWYxLWNkNGMtNDAzMi1iNTUzLWIyZGJiOTZhMzlkMTICNjc4AEIICJzkkNgGEACKAWkKBGN1cmwSBlVwZGF0ZRoCdjEiCAic5JDYBhAAMghGaWVsZHNWMTo/Cj17ImY6YmluYXJ5RGF0YSI6eyIuIjp7fSwiZjp6Ijp7fX0sImY6ZGF0YSI6eyIuIjp7fSwiZjphIjp7fX19QgASBgoBYRIBeBoICgF6EgMAAQIaACIA',
    `{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "cm", "namespace": "default", "uid": "c86719f1-cd4c-4032-b553-b2dbb96a39d1", "resourceVersion": "67", "creationTimestamp": "2026-11-23T12:31:24Z", "managedFields": [{"manager": "curl", "operation": "Update", "apiVersion": "v1", "time": "2026-11-23T12:31:24Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:binaryData": {".": {}, "f:z": {}}, "f:data": {".": {}, "f:a": {}}}}]}, "data": {"a": "x"}, "binaryData": {"z": "AAEC"}}`,
  ],
  [
    'a Status',
    'azhzAAoMCgJ2MRIGU3RhdHVzEkkKBgoAEgAaABIHRmFpbHVyZRoVcG9kcyAibm9uZSIgbm90IGZvdW5kIghOb3RGb3VuZCoSCgRub25lEgAaBHBvZHMoADIAMJQDGgAiAA==',
    `{"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "pods \\"none\\" not found", "reason": "NotFound", "details": {"name": "none", "kind": "pods"}, "code": 404}`,
  ],
  [
    'a Lease',
    'azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRLXAQrCAQoBbBIAGgdkZWZhdWx0IgAqJDUzMGE3YmJmLWE3ODUtNDE4Mi05YTBhLTc4MTMzM2Q3MTcxZDICNjY4AEIICJzkkNgGEACKAXkKBGN1cmwSBlVwZGF0ZRoWY29vcmRpbmF0aW9uLms4cy5pby92MSIICJzkkNgGEAAyCEZpZWxkc1YxOjsKOXsiZjpzcGVjIjp7ImY6bGVhc2VEdXJhdGlvblNlY29uZHMiOnt9LCJmOnJlbmV3VGltZSI6e319fUIAEhAQCiIMCKX6zawGEKDi3MMCGgAiAA==',
    `{"kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": {"name": "l", "namespace": "default", "uid": "530a7bbf-a785-4182-9a0a-781333d7171d", "resourceVersion": "66", "creationTimestamp": "2026-11-23T12:31:24Z", "managedFields": [{"manager": "curl", "operation": "Update", "apiVersion": "coordination.k8s.io/v1", "time": "2026-11-23T12:31:24Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:leaseDurationSeconds": {}, "f:renewTime": {}}}}]}, "spec": {"leaseDurationSeconds": 10, "renewTime": "2024-01-02T03:04:05.678900Z"}}`,
  ],
  [
    'a Service',
    'azhzAAoNCgJ2MRIHU2VydmljZRLXBAq8AwoBcxIAGgdkZWZhdWx0IgAqJDlkYzEzZDVmLWI1NmItNDg5YS04MzQwLTIyNTNhNWU2OWJiYzIDMzE0OABCCAiW6JDYBhAAigHxAgoEY3VybBIGVXBkYXRlGgJ2MSIICJbokNgGEAAyCEZpZWxkc1YxOsYCCsMCeyJmOnNwZWMiOnsiZjppbnRlcm5hbFRyYWZmaWNQb2xpY3kiOnt9LCJmOnBvcnRzIjp7Ii4iOnt9LCJrOntcInBvcnRcIjo4MCxcInByb3RvY29sXCI6XCJUQ1BcIn0iOnsiLiI6e30sImY6bmFtZSI6e30sImY6cG9ydCI6e30sImY6cHJvdG9jb2wiOnt9LCJmOnRhcmdldFBvcnQiOnt9fSwiazp7XCJwb3J0XCI6ODEsXCJwcm90b2NvbFwiOlwiVENQXCJ9Ijp7Ii4iOnt9LCJmOm5hbWUiOnt9LCJmOnBvcnQiOnt9LCJmOnByb3RvY29sIjp7fSwiZjp0YXJnZXRQb3J0Ijp7fX19LCJmOnNlbGVjdG9yIjp7fSwiZjpzZXNzaW9uQWZmaW5pdHkiOnt9LCJmOnR5cGUiOnt9fX1CABKRAQoXCgFhEgNUQ1AYUCIJCAEQABoDd2ViKAAKFQoCbm4SA1RDUBhRIgYIABBRGgAoABIKCgNhcHASA3dlYhoLMTAuOTYuNDEuMjEiCUNsdXN0ZXJJUDoETm9uZUIAUgBaAGAAaACKAQtTaW5nbGVTdGFja5IBCzEwLjk2LjQxLjIxmgEESVB2NLIBB0NsdXN0ZXIaAgoAGgAiAA==',
    `{"kind": "Service", "apiVersion": "v1", "metadata": {"name": "s", "namespace": "default", "uid": "9dc13d5f-b56b-489a-8340-2253a5e69bbc", "resourceVersion": "314", "creationTimestamp": "2026-11-23T12:39:50Z", "managedFields": [{"manager": "curl", "operation": "Update", "apiVersion": "v1", "time": "2026-11-23T12:39:50Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:internalTrafficPolicy": {}, "f:ports": {".": {}, "k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}": {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}, "k:{\\"port\\":81,\\"protocol\\":\\"TCP\\"}": {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}}, "f:selector": {}, "f:sessionAffinity": {}, "f:type": {}}}}]}, "spec": {"ports": [{"name": "a", "protocol": "TCP", "port": 80, "targetPort": "web"}, {"name": "nn", "protocol": "TCP", "port": 81, "targetPort": 81}], "selector": {"app": "web"}, "clusterIP": "10.96.41.21", "clusterIPs": ["10.96.41.21"], "type": "ClusterIP", "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster"}, "status": {"loadBalancer": {}}}`,
  ],
];
const recordedFrame =
  'AAABOQoFQURERUQSrwIKrAJrOHMACg8KAnYxEglDb25maWdNYXASkAIK8wEKAmNtEgAaB2RlZmF1bHQiACokYzg2NzE5ZjEtY2Q0Yy00MDMyLWI1NTMtYjJkYmI5NmEzOWQxMgMyMDk4AEIICJzkkNgGEACKAVoKBGN1cmwSBlVwZGF0ZRoCdjEiCAic5JDYBhAAMghGaWVsZHNWMTowCi57ImY6YmluYXJ5RGF0YSI6eyIuIjp7fSwiZjp6Ijp7fX0sImY6ZGF0YSI6e319QgCKAUsKBW90aGVyEgZVcGRhdGUaAnYxIggIneSQ2AYQADIIRmllbGRzVjE6IAoeeyJmOmRhdGEiOnsiZjphIjp7fSwiZjpkIjp7fX19QgASBgoBYRIBYxIGCgFkEgFlGggKAXoSAwABAhoAIgA=';

describe('protobuf', () => {
  it.each(recorded)(
    'reads %s as kube-apiserver writes it, and writes what reads the same',
    (_, protobuf, json) => {
      const object = JSON.parse(json) as JsonObject;
      expect(decodeProtobuf(decodeBase64(protobuf)).object).toEqual(object);
      expect(decodeProtobuf(encodeProtobuf(object)).object).toEqual(object);
    },
  );

  it('frames watch events as kube-apiserver does', () => {
    const frame = decodeBase64(recordedFrame);
    const text = String.fromCharCode(...frame);
    const object = frame.subarray(text.indexOf('k8s\0'));
    const type = /ADDED|MODIFIED|BOOKMARK/.exec(text)?.[0] ?? '';
    expect(encodeWatchFrame(type, object)).toEqual(frame);
  });

  it('keeps every kind of value', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', creationTimestamp: '2026-01-02T03:04:05Z', labels: { ü: '', a: 'b' } },
      spec: {
        containers: [
          {
            name: 'c',
            resources: { limits: { cpu: '100m' } },
            livenessProbe: { httpGet: { port: 'http' }, tcpSocket: { port: 80 } },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        ],
        ephemeralContainers: [{ name: 'e', image: 'i', targetContainerName: 'c', resources: {} }],
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 's', secret: { secretName: 'x', defaultMode: 420 } },
        ],
        securityContext: { supplementalGroups: [0, 1, 4294967296], runAsUser: -1 },
        terminationGracePeriodSeconds: 0,
      },
      status: {},
    };
    expect(decodeProtobuf(encodeProtobuf(pod)).object).toEqual(pod);
  });

  it('keeps the schemas and free JSON of a CustomResourceDefinition', () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x' },
      spec: {
        group: 'g',
        scope: 'Cluster',
        names: { plural: 'xs', kind: 'X' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                default: { a: [1, null] },
                maximum: 1.5,
                properties: {
                  a: { enum: ['x', 1], items: { type: 'string' } },
                  b: { additionalProperties: true },
                },
                'x-kubernetes-preserve-unknown-fields': true,
              },
            },
          },
        ],
      },
    };
    expect(decodeProtobuf(encodeProtobuf(crd)).object).toEqual(crd);
  });

  it('makes a list from items encoded before', () => {
    const items = ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));
    const list = {
      apiVersion: 'v1',
      kind: 'ConfigMapList',
      metadata: { resourceVersion: '7', remainingItemCount: 3 },
    };
    const bytes = encodeProtobufList(
      list,
      items.map((item) => encodeProtobufMessage(item).slice()),
    );
    expect(decodeProtobuf(bytes).object).toEqual({
      ...list,
      items: items.map(({ metadata }) => ({ metadata })),
    });
  });

  it('takes the kind of the request where the envelope names none', () => {
    const kind = { group: '', version: 'v1', kind: 'DeleteOptions' };
    const bytes = encodeProtobuf(
      { gracePeriodSeconds: 0, preconditions: { uid: 'u' } },
      { ...kind, kind: 'DeleteOptions' },
    );
    expect(decodeProtobuf(bytes).object).toMatchObject({
      gracePeriodSeconds: 0,
      preconditions: { uid: 'u' },
    });
    expect(() => decodeProtobuf(Uint8Array.of(0x6b, 0x38, 0x73, 0))).toThrow('no kind "" is registered');
    expect(decodeProtobuf(Uint8Array.of(0x6b, 0x38, 0x73, 0), kind).object['kind']).toBe('DeleteOptions');
  });

  it('knows every kind of the structure data, and no custom resource', () => {
    for (const name of definitionNames()) {
      const match = /^io\.k8s\.api\.core\.(v1)\.(\w+)$/.exec(name);
      if (match === null || definitionOfKind('', 'v1', match[2]!) === undefined) continue;
      expect(schemaOf(name).type).toBe('object');
      const object = { apiVersion: 'v1', kind: match[2]! };
      expect(decodeProtobuf(encodeProtobuf(object)).object).toEqual(object);
    }
    expect(hasProtobuf({ group: 'example.com', version: 'v1', kind: 'X' })).toBe(false);
    expect(hasProtobuf({ group: 'meta.k8s.io', version: 'v1', kind: 'PartialObjectMetadata' })).toBe(true);
  });

  it('says which field is at fault', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'abcdefgh' } };
    const bytes = encodeProtobuf(pod).slice();
    const at = String.fromCharCode(...bytes).indexOf('abcdefgh');
    bytes[at - 1] = 100;
    expect(() => decodeProtobuf(bytes)).toThrow('metadata.name: unexpected EOF');
    expect(() => decodeProtobuf(new TextEncoder().encode('{}'))).toThrow('does not begin with the prefix');
  });

  it('answers any bytes with an object or an ApiError 400', () => {
    const seed = decodeBase64(recorded[3]![1]);
    const change = fc.tuple(fc.nat(seed.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = seed.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          decodeProtobuf(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 400 });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('bounds nesting', () => {
    let schema: JsonObject = {};
    for (let i = 0; i < 300; i++) schema = { not: schema };
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      spec: { versions: [{ schema: { openAPIV3Schema: schema } }] },
    };
    expect(() => decodeProtobuf(encodeProtobuf(crd))).toThrow(/nested deeper/);
  });

  it('reads its own base64, and refuses what is none', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      }),
    );
    for (const bad of ['a', 'ab=', 'a b=', '****', 'aGVsbG8'])
      expect(() => decodeBase64(bad)).toThrow(/illegal base64/);
  });
});
