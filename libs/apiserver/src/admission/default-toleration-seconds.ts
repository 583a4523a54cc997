import type { AdmissionPlugin } from './plugin.js';

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

const defaultSeconds = 300;
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** A pod stays five minutes on a node that is not ready or out of reach, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',

  handles: ({ operation, declaration, subresource }) =>
    operation === 'CREATE' &&
    declaration.resource === 'pods' &&
    declaration.group === '' &&
    subresource === '',

  admit({ object }) {
    const spec = (object!['spec'] ??= {}) as { tolerations?: Toleration[] };
    const tolerations = spec.tolerations ?? [];
    const missing = taints.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
    if (missing.length === 0) return;
    spec.tolerations = [
      ...tolerations,
      ...missing.map((key) => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: defaultSeconds,
      })),
    ];
  },
};

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (
    (key === undefined || key === '' || key === taint) &&
    (effect === undefined || effect === '' || effect === 'NoExecute')
  );
}
