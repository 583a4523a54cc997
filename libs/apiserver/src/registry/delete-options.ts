import { badRequest, fieldErrors, invalid, type FieldError, type Json } from '#libs/apimachinery';

/** metav1.DeleteOptions as the server understands them. */
export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** Options come in the body or in the query; the body wins. Throws ApiError 400 or 422. */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body)))
    throw badRequest('the body of a delete must be DeleteOptions');
  const given = (body ?? {}) as Record<string, Json | undefined>;
  const kind = given['kind'];
  if (kind !== undefined && kind !== '' && kind !== 'DeleteOptions')
    throw badRequest(`the body of a delete must be DeleteOptions, not ${JSON.stringify(kind)}`);
  const preconditions = (given['preconditions'] ?? {}) as { uid?: unknown; resourceVersion?: unknown };
  const grace =
    given['gracePeriodSeconds'] ?? numberOf(query.get('gracePeriodSeconds'), 'gracePeriodSeconds');
  const orphan = given['orphanDependents'] ?? booleanOf(query.get('orphanDependents'));
  const policy = given['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined;
  const dryRun = (given['dryRun'] as readonly string[] | undefined) ?? query.getAll('dryRun');
  const errors: FieldError[] = [];
  if (grace !== undefined && (typeof grace !== 'number' || !Number.isSafeInteger(grace)))
    throw badRequest('gracePeriodSeconds must be a whole number');
  if (policy !== undefined && orphan !== undefined)
    errors.push(
      fieldErrors.invalidValue(
        'propagationPolicy',
        policy,
        'orphanDependents and deletionPropagation cannot be both set',
      ),
    );
  if (policy !== undefined && policy !== 'Orphan' && policy !== 'Background' && policy !== 'Foreground')
    errors.push({
      type: 'NotSupported',
      field: 'propagationPolicy',
      value: policy,
      detail: 'supported values: "Foreground", "Background", "Orphan", "nil"',
    });
  if (dryRun.some((each) => each !== 'All'))
    errors.push({ type: 'NotSupported', field: 'dryRun', value: dryRun, detail: 'supported values: "All"' });
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return {
    // Negative grace means one second, as upstream reads it.
    gracePeriodSeconds:
      grace === undefined ? undefined : Math.max(grace as number, (grace as number) < 0 ? 1 : 0),
    propagationPolicy: (policy as DeleteOptions['propagationPolicy']) ?? legacyPolicy(orphan),
    uid: stringOf(preconditions.uid),
    resourceVersion: stringOf(preconditions.resourceVersion),
    dryRun: dryRun.length > 0,
  };
}

function legacyPolicy(orphan: Json | undefined): DeleteOptions['propagationPolicy'] {
  if (orphan === undefined) return undefined;
  return orphan === true ? 'Orphan' : 'Background';
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(text: string | null, field: string): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^-?[0-9]{1,15}$/.test(text))
    throw badRequest(`${field} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

function booleanOf(text: string | null): boolean | undefined {
  return text === null || text === '' ? undefined : text !== 'false' && text !== '0';
}
