import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateAuthority } from '#libs/pki';
import { afterAll, describe, expect, it } from 'vitest';
import { checkCertificates } from './certificates.js';
import { judged } from './finding.js';
import { checkNode } from './machine.js';

const folder = mkdtempSync(join(tmpdir(), 'trireme-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const dayMs = 86_400_000;

describe('doctor', () => {
  it('judges figures by two limits, whichever way they go', () => {
    const roomy = { warnAt: 1_023, failAt: 127 };
    expect([2_000, 1_000, 100].map((free) => judged(free, roomy))).toEqual(['ok', 'warning', 'failure']);
    const quick = { warnAt: 10, failAt: 100 };
    expect([2, 10, 100].map((ms) => judged(ms, quick))).toEqual(['ok', 'warning', 'failure']);
  });

  it('takes Node from 20.19 on, and advises a newer one than 20', () => {
    expect(
      ['18.20.4', '20.18.9', '20.19.0', '22.0.0', '24.1.0'].map((version) => checkNode(version).verdict),
    ).toEqual(['failure', 'failure', 'warning', 'ok', 'ok']);
  });

  it('names the certificate that ends first, warns a month before, and sees a clock that is behind', async () => {
    expect(checkCertificates(folder)).toMatchObject({ verdict: 'failure' });
    const { certificate } = await createCertificateAuthority('test');
    writeFileSync(join(folder, 'ca.crt'), `${certificate}${certificate}`);
    const now = Date.now();
    const { verdict, text } = checkCertificates(folder, now);
    expect([verdict, text]).toEqual([
      'ok',
      expect.stringMatching(/^2, the first to end is ca\.crt on 2\d{3}-/),
    ]);
    const until = Date.parse(text.slice(-'2000-01-01'.length));
    expect(checkCertificates(folder, until - 20 * dayMs)).toMatchObject({ verdict: 'warning', text });
    expect(checkCertificates(folder, until + 2 * dayMs)).toMatchObject({
      verdict: 'failure',
      text: 'expired: ca.crt, ca.crt',
    });
    expect(checkCertificates(folder, now - 30 * dayMs).text).toContain("this machine's clock is behind");
  });
});
