import {
  checkFieldSelector,
  parseFieldSelector,
  parseLabelSelector,
  type FieldSelector,
  type KubernetesObject,
  type LabelSelector,
  type ResourceDeclaration,
} from '#libs/apimachinery';

/** What a list, watch or deletecollection selects beyond its namespace. */
export interface Selection {
  readonly everything: boolean;
  /** Demanded by `metadata.name=`: the key is then known. */
  readonly name: string | undefined;
  /** Demanded by `metadata.namespace=`. */
  readonly namespace: string | undefined;
  /** Demanded by `spec.nodeName=`: the one field that a thousand kubelets watch by. */
  readonly nodeName: string | undefined;
  readonly matches: (object: KubernetesObject) => boolean;
}

export const everythingSelection: Selection = {
  everything: true,
  name: undefined,
  namespace: undefined,
  nodeName: undefined,
  matches: () => true,
};

const nothing: Selection = { ...everythingSelection, everything: false, matches: () => false };

const labelSelectors = new Map<string, LabelSelector>();
const cachedMax = 1024;

/** Parses both selectors; throws ApiError 400 for what cannot be read or selected by. */
export function parseSelection(
  declaration: ResourceDeclaration,
  labelSelector: string | null,
  fieldSelector: string | null,
): Selection {
  const labels = labelSelector === null || labelSelector === '' ? undefined : compiledLabels(labelSelector);
  const fields =
    fieldSelector === null || fieldSelector === '' ? undefined : checkedFields(declaration, fieldSelector);
  if (labels === undefined && fields === undefined) return everythingSelection;
  return {
    everything: (labels?.everything ?? true) && (fields?.everything ?? true),
    name: fields?.requiredValue('metadata.name'),
    namespace: fields?.requiredValue('metadata.namespace'),
    nodeName: fields?.requiredValue('spec.nodeName'),
    matches: (object) =>
      (labels === undefined || labels.matches(object.metadata.labels)) &&
      (fields === undefined || fields.matches((field) => fieldValue(declaration, object, field))),
  };
}

/** A selection narrowed to one name, as a watch of one object is. */
export function narrowedTo(selection: Selection, name: string): Selection {
  if (selection.name === name) return selection;
  if (selection.name !== undefined) return nothing;
  return {
    ...selection,
    everything: false,
    name,
    matches: (object) => object.metadata.name === name && selection.matches(object),
  };
}

function compiledLabels(text: string): LabelSelector {
  let selector = labelSelectors.get(text);
  if (selector === undefined) {
    selector = parseLabelSelector(text);
    if (labelSelectors.size >= cachedMax) labelSelectors.clear();
    labelSelectors.set(text, selector);
  }
  return selector;
}

function checkedFields(declaration: ResourceDeclaration, text: string): FieldSelector {
  const selector = parseFieldSelector(text);
  checkFieldSelector(
    selector,
    (field) =>
      field === 'metadata.name' ||
      (field === 'metadata.namespace' && declaration.namespaced) ||
      Object.hasOwn(declaration.selectableFields, field),
  );
  return selector;
}

function fieldValue(declaration: ResourceDeclaration, object: KubernetesObject, field: string): string {
  if (field === 'metadata.name') return object.metadata.name ?? '';
  if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
  return declaration.selectableFields[field]?.(object) ?? '';
}
