import type { PolicyRule } from './policy-rule.js';

/** Why a verb is granted: for all names, or for some. */
interface Grant {
  all: string | undefined;
  names: Map<string, string> | undefined;
}

type Verbs = Map<string, Grant>;

/**
 * Rules compiled to nested maps (group → resource → verb), so that a question costs at most six look-ups however many
 * rules there are. Answers with the reason given for the first rule that grants, undefined when none does.
 */
export class RuleSet {
  readonly #groups = new Map<string, Map<string, Verbs>>();
  readonly #paths = new Map<string, Map<string, string>>();
  readonly #pathPrefixes = new Map<string, Map<string, string>>();

  add(rules: readonly PolicyRule[], reason: string): void {
    for (const rule of rules) {
      for (const group of rule.apiGroups ?? []) this.#addGroup(group, rule, reason);
      for (const url of rule.nonResourceURLs ?? []) this.#addPath(url, rule.verbs, reason);
    }
  }

  #addGroup(group: string, rule: PolicyRule, reason: string): void {
    const resources = getOrMake(this.#groups, group, () => new Map<string, Verbs>());
    for (const resource of rule.resources ?? []) {
      const verbs = getOrMake(resources, resource, () => new Map<string, Grant>());
      for (const verb of rule.verbs) {
        const grant = getOrMake(verbs, verb, (): Grant => ({ all: undefined, names: undefined }));
        if (rule.resourceNames === undefined || rule.resourceNames.length === 0) {
          grant.all ??= reason;
        } else {
          grant.names ??= new Map();
          for (const name of rule.resourceNames) if (!grant.names.has(name)) grant.names.set(name, reason);
        }
      }
    }
  }

  #addPath(url: string, verbs: readonly string[], reason: string): void {
    const wildcard = url.endsWith('*');
    const target = wildcard ? this.#pathPrefixes : this.#paths;
    const entry = getOrMake(target, wildcard ? url.slice(0, -1) : url, () => new Map<string, string>());
    for (const verb of verbs) if (!entry.has(verb)) entry.set(verb, reason);
  }

  /** `name` empty asks for all names: a rule limited to names does not grant that. */
  allowsResource(
    verb: string,
    group: string,
    resource: string,
    subresource: string,
    name: string,
  ): string | undefined {
    return (
      inGroup(this.#groups.get(group), verb, resource, subresource, name) ??
      inGroup(this.#groups.get('*'), verb, resource, subresource, name)
    );
  }

  allowsPath(verb: string, path: string): string | undefined {
    const exact = this.#paths.get(path);
    const reason = exact?.get(verb) ?? exact?.get('*');
    if (reason !== undefined) return reason;
    for (const [prefix, verbs] of this.#pathPrefixes) {
      if (!path.startsWith(prefix)) continue;
      const found = verbs.get(verb) ?? verbs.get('*');
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function inGroup(
  resources: Map<string, Verbs> | undefined,
  verb: string,
  resource: string,
  subresource: string,
  name: string,
): string | undefined {
  if (resources === undefined) return undefined;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  let reason = inVerbs(resources.get(combined), verb, name) ?? inVerbs(resources.get('*'), verb, name);
  if (reason === undefined && subresource !== '')
    reason = inVerbs(resources.get(`*/${subresource}`), verb, name);
  return reason;
}

function inVerbs(verbs: Verbs | undefined, verb: string, name: string): string | undefined {
  if (verbs === undefined) return undefined;
  return granted(verbs.get(verb), name) ?? granted(verbs.get('*'), name);
}

function granted(grant: Grant | undefined, name: string): string | undefined {
  if (grant === undefined) return undefined;
  return grant.all ?? (name === '' ? undefined : grant.names?.get(name));
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
