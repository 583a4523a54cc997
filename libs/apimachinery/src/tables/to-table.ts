import type { KubernetesObject, ResourceDeclaration } from '../types.js';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  /** What of each object comes with its row; the server's default is Metadata. */
  readonly includeObject?: IncludeObject;
  /** Unix time, from which ages are counted. */
  readonly nowSeconds: number;
  /** Of the list; absent for a single object, whose own metadata is used. */
  readonly listMetadata?: {
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  /** Default meta.k8s.io/v1; v1beta1 is the same with another name. */
  readonly version?: 'v1' | 'v1beta1';
  /** False on watch events after the first, which leave the definitions out. Default true. */
  readonly columnDefinitions?: boolean;
}

export interface TableColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly (string | number | boolean | null)[];
  readonly object: unknown;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: string;
  readonly metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  readonly columnDefinitions: readonly TableColumnDefinition[] | null;
  readonly rows: readonly TableRow[];
}

/** The meta.k8s.io Table of some objects of one kind, as `kubectl get` asks for it. The objects are only read. */
export function toTable(
  declaration: Pick<ResourceDeclaration, 'columns'>,
  objects: readonly KubernetesObject[],
  options: TableOptions,
): Table {
  const { columns } = declaration;
  const apiVersion = `meta.k8s.io/${options.version ?? 'v1'}`;
  const include = options.includeObject ?? 'Metadata';
  return {
    kind: 'Table',
    apiVersion,
    metadata: options.listMetadata ?? metadataOf(objects),
    columnDefinitions:
      options.columnDefinitions === false
        ? null
        : columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({
            name,
            type,
            format,
            description,
            priority,
          })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, options.nowSeconds)),
      object: includedObject(object, include, apiVersion),
    })),
  };
}

function metadataOf(objects: readonly KubernetesObject[]): { resourceVersion?: string } {
  const resourceVersion = objects.length === 1 ? objects[0]!.metadata.resourceVersion : undefined;
  return resourceVersion === undefined ? {} : { resourceVersion };
}

function includedObject(object: KubernetesObject, include: IncludeObject, apiVersion: string): unknown {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}
