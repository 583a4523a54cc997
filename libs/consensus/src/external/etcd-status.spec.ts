import { describe, expect, it } from 'vitest';
import { alarmsOf, tellsProgress, unsupported } from './etcd-status.js';

describe('what an etcd tells of itself', () => {
  it('its version decides whether it will do, and whether its notices of progress are trusted', () => {
    expect(unsupported('3.3.27')).toMatch(/etcd 3\.3\.27 is too old: 3\.4\.0 or newer/);
    expect(unsupported('')).toMatch(/unknown version/);
    expect(['3.4.0', '3.4.23', '3.6.0-rc.1', '4.0.0'].map(unsupported)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const versions = ['3.4.23', '3.4.30', '3.4.31', '3.5.12', '3.5.13', '3.6.0', '4.0.0', 'main'];
    expect(versions.filter(tellsProgress)).toEqual(['3.4.31', '3.5.13', '3.6.0', '4.0.0']);
  });

  it('its alarms', () => {
    const errors = ['memberID:12 alarm:NOSPACE ', 'memberID:13 alarm:CORRUPT', 'etcdserver: no leader'];
    expect(alarmsOf({ errors })).toEqual([
      { type: 'noSpace', memberId: 12, member: '' },
      { type: 'corrupt', memberId: 13, member: '' },
    ]);
  });
});
