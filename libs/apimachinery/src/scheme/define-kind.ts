import type { FieldError, KubernetesObject, StrategyContext, TableColumn } from '../types.js';

/** Gathers what is wrong with an object. */
export type FieldErrors = FieldError[];

/** Says what is wrong with a name, nothing where it is right. `prefix` asks about a generateName, which may end in a dash. */
export type NameRule = (name: string, prefix: boolean) => readonly string[];

/**
 * What a kind adds to what the structure data says of it. Everything is optional but group and resource; the hooks run
 * beside the generic part (metadata validation, generation, status kept apart), never instead of it.
 */
export interface KindDefinition {
  readonly group: string;
  readonly resource: string;
  /** Limits the definition to these served versions; absent: all. */
  readonly versions?: readonly string[];
  /** Default: the kind in lower case. */
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default: the most preferred served version that has the resource. */
  readonly storageVersion?: { readonly group: string; readonly version: string };
  /** From a served version to the stored one and back; default: only apiVersion changes. Must not change the argument. */
  readonly toStorage?: (object: KubernetesObject) => KubernetesObject;
  readonly fromStorage?: (object: KubernetesObject) => KubernetesObject;
  readonly virtual?: boolean;
  readonly allowCreateOnUpdate?: boolean;
  /** Finalizers need neither be standard nor have a domain. */
  readonly customFinalizers?: boolean;
  /** Default: a DNS subdomain. */
  readonly name?: NameRule;
  /** metadata.generation is 1 on create and counts changes of everything but metadata and status. */
  readonly generation?: boolean;
  /** What else than a changed spec counts as a new generation. */
  readonly alsoNewGeneration?: (next: KubernetesObject, previous: KubernetesObject) => boolean;
  /** Create keeps the status that was sent (nodes register with one). */
  readonly statusOnCreate?: boolean;
  /** What status is on create; default `{}` where the kind has one. */
  readonly initialStatus?: (object: KubernetesObject, context: StrategyContext) => Record<string, unknown>;
  /** Subresources beside `status` whose update writes the status, e.g. `approval`; their hook must keep the rest. */
  readonly statusWriters?: readonly string[];
  readonly setDefaults?: (object: KubernetesObject) => void;
  readonly prepareForCreate?: (object: KubernetesObject, context: StrategyContext) => void;
  /** After the generic part, before the generation is counted. */
  readonly prepareForUpdate?: (
    next: KubernetesObject,
    previous: KubernetesObject,
    context: StrategyContext,
  ) => void;
  /** On create; on update too unless `validateUpdate` is given, which then also covers what `validate` would find. */
  readonly validate?: (object: KubernetesObject, errors: FieldErrors) => void;
  readonly validateUpdate?: (
    next: KubernetesObject,
    previous: KubernetesObject,
    errors: FieldErrors,
    subresource: string,
  ) => void;
  readonly columns?: readonly TableColumn[];
  readonly selectableFields?: Readonly<Record<string, (object: KubernetesObject) => string>>;
  readonly gracePeriodSeconds?: (object: KubernetesObject) => number;
}

/** Gives a definition its type; a kind's file exports one. */
export function defineKind(definition: KindDefinition): KindDefinition {
  return definition;
}
