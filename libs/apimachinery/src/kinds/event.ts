import { invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors, KindDefinition } from '../scheme/define-kind.js';
import { eventColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';

interface Reference {
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiVersion?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

interface CoreEvent {
  involvedObject?: Reference;
  reason?: string;
  type?: string;
  source?: { component?: string };
  reportingComponent?: string;
  eventTime?: string;
}

interface EventsEvent {
  regarding?: Reference;
  eventTime?: string;
  reportingController?: string;
  reportingInstance?: string;
  action?: string;
  reason?: string;
  type?: string;
}

const eventOf = (object: KubernetesObject): CoreEvent => object as CoreEvent;

/** [core/v1, events.k8s.io/v1] names of the same field; the rest has one name. */
const renamed = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
] as const;

const toCore = new Map<string, string>(renamed.map(([core, events]) => [events, core]));
const toEvents = new Map<string, string>(renamed);

function rename(object: KubernetesObject, names: ReadonlyMap<string, string>): KubernetesObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value]),
  ) as KubernetesObject;
}

function checkNamespace(
  object: KubernetesObject,
  reference: Reference | undefined,
  path: string,
  errors: FieldErrors,
): void {
  const namespace = reference?.namespace ?? '';
  const own = object.metadata.namespace ?? '';
  // What has no namespace is told of in default, or in kube-system.
  if (namespace === '' ? own !== 'default' && own !== 'kube-system' : namespace !== own)
    errors.push(invalidValue(path, namespace, 'does not match event.namespace'));
}

const selectors: NonNullable<KindDefinition['selectableFields']> = {
  ...Object.fromEntries(
    (['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const).map(
      (field) => [
        `involvedObject.${field}`,
        (object: KubernetesObject) => eventOf(object).involvedObject?.[field] ?? '',
      ],
    ),
  ),
  reason: (object) => eventOf(object).reason ?? '',
  reportingComponent: (object) => eventOf(object).reportingComponent ?? '',
  source: (object) => eventOf(object).source?.component ?? eventOf(object).reportingComponent ?? '',
  type: (object) => eventOf(object).type ?? '',
};

export const coreEvent = defineKind({
  group: '',
  resource: 'events',
  shortNames: ['ev'],
  allowCreateOnUpdate: true,
  columns: eventColumns,
  selectableFields: selectors,
  validate: (object, errors) =>
    checkNamespace(object, eventOf(object).involvedObject, 'involvedObject.namespace', errors),
});

/** The same events in their newer shape, stored in the older. */
export const event = defineKind({
  group: 'events.k8s.io',
  resource: 'events',
  shortNames: ['ev'],
  allowCreateOnUpdate: true,
  storageVersion: { group: '', version: 'v1' },
  toStorage: (object) => rename(object, toCore),
  fromStorage: (object) => rename(object, toEvents),
  columns: eventColumns.map((column) => ({
    ...column,
    cell: (object, nowSeconds) => column.cell(rename(object, toCore), nowSeconds),
  })),
  selectableFields: Object.fromEntries(
    Object.entries(selectors).map(([label, value]) => [
      label,
      (object: KubernetesObject) => value(rename(object, toCore)),
    ]),
  ),
  validate(object, errors) {
    const { regarding, eventTime, reportingController, reportingInstance, action, reason, type } =
      object as EventsEvent;
    checkNamespace(object, regarding, 'regarding.namespace', errors);
    if (eventTime === undefined) errors.push(required('eventTime'));
    for (const [field, value] of Object.entries({ reportingController, reportingInstance, action, reason }))
      if (value === undefined) errors.push(required(field));
    if (type !== 'Normal' && type !== 'Warning')
      errors.push(invalidValue('type', type ?? '', `has invalid value: ${type ?? ''}`));
  },
  validateUpdate(next, _previous, errors) {
    checkNamespace(next, (next as EventsEvent).regarding, 'regarding.namespace', errors);
  },
});
