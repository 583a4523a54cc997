const kubeVersion = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Most preferred first, as Kubernetes orders versions: GA before beta before alpha, higher numbers first, others last by name. */
export function compareVersions(a: string, b: string): number {
  const left = kubeVersion.exec(a);
  const right = kubeVersion.exec(b);
  if (left === null || right === null) {
    if (left !== null) return -1;
    if (right !== null) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return (
    stage(right[2]) - stage(left[2]) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}

function stage(word: string | undefined): number {
  if (word === undefined) return 2;
  return word === 'beta' ? 1 : 0;
}
