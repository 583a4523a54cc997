import { duplicate, forbiddenField, invalidValue, missing, required } from '../../errors/field-errors.js';
import type { FieldErrors } from '../../scheme/define-kind.js';
import { checkRequiredLabel } from './checks.js';
import type { Container, Volume } from './pod-types.js';

/** Names of the sound volumes; what is wrong goes to `errors`. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  path: string,
  errors: FieldErrors,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, volume] of (volumes ?? []).entries()) {
    const at = `${path}[${index}]`;
    const before = errors.length;
    validateSource(volume, at, errors);
    checkRequiredLabel(volume.name, `${at}.name`, errors);
    const name = volume.name ?? '';
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    if (errors.length === before) names.add(name);
  }
  return names;
}

function validateSource(volume: Volume, at: string, errors: FieldErrors): void {
  let sources = 0;
  for (const key in volume) {
    if (key === 'name') continue;
    if (++sources > 1) errors.push(forbiddenField(`${at}.${key}`, 'may not specify more than 1 volume type'));
  }
  if (sources === 0) errors.push(required(at, 'must specify a volume type'));
  const { hostPath, secret, configMap, persistentVolumeClaim, nfs, emptyDir, ephemeral } = volume;
  if (hostPath !== undefined) {
    if ((hostPath.path ?? '') === '') errors.push(required(`${at}.hostPath.path`));
    else checkNoBacksteps(hostPath.path!, `${at}.hostPath.path`, errors);
  }
  if (secret !== undefined) {
    if ((secret.secretName ?? '') === '') errors.push(required(`${at}.secret.secretName`));
    checkMode(secret.defaultMode, `${at}.secret.defaultMode`, errors);
  }
  if (configMap !== undefined) {
    if ((configMap.name ?? '') === '') errors.push(required(`${at}.configMap.name`));
    checkMode(configMap.defaultMode, `${at}.configMap.defaultMode`, errors);
  }
  if (persistentVolumeClaim !== undefined && (persistentVolumeClaim.claimName ?? '') === '')
    errors.push(required(`${at}.persistentVolumeClaim.claimName`));
  if (emptyDir?.sizeLimit?.startsWith('-') === true)
    errors.push(
      forbiddenField(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'),
    );
  if (nfs !== undefined) {
    if ((nfs.server ?? '') === '') errors.push(required(`${at}.nfs.server`));
    if ((nfs.path ?? '') === '') errors.push(required(`${at}.nfs.path`));
    else if (!nfs.path!.startsWith('/'))
      errors.push(invalidValue(`${at}.nfs.path`, nfs.path, 'must be an absolute path'));
  }
  if (ephemeral !== undefined && ephemeral.volumeClaimTemplate === undefined)
    errors.push(required(`${at}.ephemeral.volumeClaimTemplate`));
}

function checkMode(mode: number | undefined, path: string, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    errors.push(invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'));
}

function checkNoBacksteps(target: string, path: string, errors: FieldErrors): void {
  if (target.split('/').includes('..')) errors.push(invalidValue(path, target, "must not contain '..'"));
}

function checkDescending(target: string, path: string, errors: FieldErrors): void {
  if (target.startsWith('/')) errors.push(invalidValue(path, target, 'must be a relative path'));
  checkNoBacksteps(target, path, errors);
}

/** Mounts and raw devices of one container against the pod's volumes. */
export function validateVolumeUses(
  container: Container,
  volumes: ReadonlySet<string>,
  path: string,
  errors: FieldErrors,
): void {
  const points = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}.volumeMounts[${index}]`;
    const { name = '', mountPath = '', subPath, subPathExpr } = mount;
    if (name === '') errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(missing(`${at}.name`, name));
    if (mountPath === '') errors.push(required(`${at}.mountPath`));
    if (points.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    points.add(mountPath);
    if (subPath !== undefined) checkDescending(subPath, `${path}.volumeMounts.subPath`, errors);
    if (subPathExpr === undefined) continue;
    if (subPath !== undefined)
      errors.push(
        invalidValue(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
      );
    checkDescending(subPathExpr, `${path}.volumeMounts.subPathExpr`, errors);
  }
  for (const [index, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${path}.volumeDevices[${index}]`;
    if ((device.name ?? '') === '') errors.push(required(`${at}.name`));
    else if (!volumes.has(device.name!)) errors.push(missing(`${at}.name`, device.name));
    if ((device.devicePath ?? '') === '') errors.push(required(`${at}.devicePath`));
  }
}
