import type { PathHandler } from '../extension.js';
import { jsonResponse } from './respond.js';

export interface VersionFacts {
  /** Of Trireme itself; goes into gitVersion behind `+trireme`. */
  readonly productVersion: string;
  readonly gitCommit?: string;
  /** RFC 3339. */
  readonly buildDate?: string;
}

/** What is served at /version: version.Info. `major` and `minor` are numbers in strings, as kubectl and helm parse them. */
export function versionInfo(facts: VersionFacts): Readonly<Record<string, string>> {
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion: `v1.36.0+trireme${facts.productVersion === '' ? '' : `.${facts.productVersion}`}`,
    gitCommit: facts.gitCommit ?? '',
    gitTreeState: 'clean',
    buildDate: facts.buildDate ?? '1970-01-01T00:00:00Z',
    goVersion: `node-${process.version}`,
    compiler: 'v8',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

export function versionHandler(facts: VersionFacts): PathHandler {
  const response = jsonResponse(200, versionInfo(facts));
  return (request) =>
    (request.path === '/version' || request.path === '/version/') && isRead(request.method)
      ? response
      : undefined;
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
