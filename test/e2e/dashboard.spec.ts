import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from './support/api.js';
import { DashboardListener, launchChromium, PageWitness } from './support/browser.js';
import { TestCluster } from './support/cluster.js';

let cluster: TestCluster;
let listener: DashboardListener;
let browser: Browser;

beforeAll(async () => {
  [cluster, browser] = await Promise.all([TestCluster.start({ name: 'dash' }), launchChromium()]);
  listener = await DashboardListener.start(cluster);
});
afterAll(async () => {
  await browser?.close();
  await listener?.stop();
  await cluster?.dispose();
});

interface Opened {
  readonly page: Page;
  readonly witness: PageWitness;
  readonly context: BrowserContext;
}

/** Opens the printed URL in a browser of its own, until the first frame is drawn. */
async function opened(options: Parameters<Browser['newContext']>[0] = {}): Promise<Opened> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const witness = new PageWitness(page);
  await page.goto(listener.url);
  await page.locator('.masters').waitFor();
  return { page, witness, context };
}

const headline = (page: Page): Promise<string> => page.locator('.headline').innerText();

/** Waits until the headline names a leader other than `before`. */
async function newLeader(page: Page, before: string): Promise<string> {
  const changed = page.locator('.headline', { hasText: ' leads term ' }).filter({ hasNotText: before });
  return leaderIn(await changed.innerText());
}

/** Waits until the page has so many of these. */
async function count(page: Page, selector: string, wanted: number): Promise<void> {
  await expect.poll(() => page.locator(selector).count(), { timeout: 60_000 }).toBe(wanted);
}

function leaderIn(text: string): string {
  return /(master-\d) leads term/.exec(text)?.[1] ?? '';
}

describe('the dashboard in a real browser', () => {
  it('draws the cluster as it is, goes on changing, complains of nothing and asks nobody else', async () => {
    const { page, witness, context } = await opened();
    const { leader, term } = await cluster.status();
    expect(await headline(page)).toContain(`${leader} leads term ${term}`);
    expect(await page.locator('.ring').getAttribute('aria-label')).toMatch(/master-1.*master-2.*master-3/);
    expect(await page.locator('.tile').first().innerText()).toMatch(/Nodes ready/);
    const applied = (): Promise<string | null> => page.locator('.ring .node-log').last().textContent();
    const before = await applied();
    expect(before).toMatch(/^applied [\d,]+$/);
    await cluster.kubectl(['create', 'configmap', 'seen-by-the-dashboard']);
    await expect.poll(applied, { timeout: 60_000 }).not.toBe(before);
    await cluster.kubectl(['create', 'deployment', 'web', '--image=nginx', '--replicas=2']);
    await page.locator('.workloads-card', { hasText: 'default/web' }).waitFor();
    await page.locator('.events-card', { hasText: 'SuccessfulCreate' }).waitFor();
    expect(witness.complaints).toEqual([]);
    expect([...witness.origins]).toEqual([new URL(listener.url).origin]);
    await context.close();
  });

  it('kills the leader by its button, shows the new one, and marks the gap if it lost its own master', async () => {
    const { page, context } = await opened();
    const before = leaderIn(await headline(page));
    await page.getByRole('button', { name: `Kill ${before}` }).click();
    const after = await newLeader(page, before);
    expect(after).not.toBe(before);
    await page
      .locator('.happenings li', { hasText: `kill -9 ${before}` })
      .first()
      .waitFor();
    await page
      .locator('.happenings li', { hasText: `${after} leads term` })
      .first()
      .waitFor();
    await page
      .locator('.happenings li', { hasText: `process started: ${before}` })
      .first()
      .waitFor();
    await count(page, '.ring .node-silent', 0);
    await context.close();
  });

  it('goes on through another master when the one that it talks to falls silent', async () => {
    const { page, context } = await opened();
    const served = /live through (master-\d)/.exec(await page.locator('.connection').innerText())?.[1] ?? '';
    await page.getByRole('button', { name: `Pause ${served}` }).click();
    await page.locator('.connection', { hasText: 'live through' }).filter({ hasNotText: served }).waitFor();
    await page
      .locator('.happenings li', { hasText: `${served} fell silent` })
      .first()
      .waitFor();
    await page.locator('.masters .badge-paused').waitFor();
    await page.getByRole('button', { name: `Resume ${served}` }).click();
    await count(page, '.ring .node-paused', 0);
    await context.close();
  });

  it('moves the leader, cuts a follower off and heals it', async () => {
    const { page, context } = await opened();
    const before = leaderIn(await headline(page));
    const target = ['master-1', 'master-2', 'master-3'].find((name) => name !== before) ?? '';
    await page.getByRole('button', { name: `Make leader ${target}` }).click();
    expect(await newLeader(page, before)).toBe(target);
    await page.getByRole('button', { name: `Cut off ${before}` }).click();
    await page.locator('.node-cut').waitFor();
    await page.getByRole('button', { name: `Heal ${before}` }).click();
    await count(page, '.node-cut', 0);
    expect((await cluster.status()).quorum).toBe(true);
    await context.close();
  });

  it('runs the tour by keyboard alone, and what it says was lost is nothing', async () => {
    const { page, context } = await opened({ reducedMotion: 'reduce' });
    const before = leaderIn(await headline(page));
    // Tab from the top until the tour's button has the focus; each stop shows where it is.
    const focused = (): Promise<{ text: string; outline: string }> =>
      page.evaluate(`({
        text: document.activeElement.textContent,
        outline: getComputedStyle(document.activeElement).outlineStyle,
      })`);
    const stops: string[] = [];
    for (let i = 0; i < 40 && stops.at(-1) !== 'Kill the leader'; i++) {
      await page.keyboard.press('Tab');
      const { text, outline } = await focused();
      expect(outline).not.toBe('none');
      stops.push(text);
    }
    expect(stops[0]).toBe('Skip to the cluster');
    expect(stops.at(-1)).toBe('Kill the leader');
    await page.keyboard.press('Enter');
    const said = page.locator('.steps', { hasText: 'acknowledged writes are held' });
    await said.waitFor();
    const text = await said.innerText();
    expect(text).toContain(`kill -9 ${before}.`);
    expect(text).toMatch(/leads term \d+ after [\d.]+ (ms|s)/);
    expect(text).toMatch(/The writer waited [\d.]+ (ms|s)/);
    expect(text).toMatch(/holds the whole log after [\d.]+ s/);
    expect(text).toMatch(/Nothing: all \d+ acknowledged writes are held/);
    await context.close();
  });

  it.each(['light', 'dark'] as const)('fits a phone without scrolling sideways, %s', async (colorScheme) => {
    const { page, witness, context } = await opened({ viewport: { width: 360, height: 740 }, colorScheme });
    await count(page, '.chart canvas', 6);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(witness.complaints).toEqual([]);
    await context.close();
  });
});

describe('the way to the dashboard', () => {
  it('is closed without credentials, on every master', async () => {
    for (const { name } of cluster.file().masters) {
      const nobody = Api.of(cluster, { server: cluster.server(name), identity: {} });
      for (const path of [
        '/dashboard/',
        '/dashboard/stream',
        '/dashboard/page.js',
        '/trireme/v1/observation',
      ])
        expect((await nobody.call('GET', path)).status).toBe(401);
      expect((await nobody.call('POST', '/dashboard/faults', { body: {} })).status).toBe(401);
      nobody.close();
    }
    expect((await fetch(new URL('/dashboard/', listener.url))).status).toBe(401);
  });

  it('is closed to users without a role for it; who may only look gets no buttons', async () => {
    const admin = Api.of(cluster);
    const as = (user: string): Record<string, string> => ({ 'impersonate-user': user });
    expect((await admin.call('GET', '/dashboard/', { headers: as('jane') })).status).toBe(403);
    await cluster.kubectl([
      'create',
      'clusterrole',
      'looks',
      '--verb=get',
      '--non-resource-url=/dashboard/*',
    ]);
    await cluster.kubectl(['create', 'clusterrolebinding', 'looks', '--clusterrole=looks', '--user=jane']);
    await expect
      .poll(async () => (await admin.call('GET', '/dashboard/', { headers: as('jane') })).status)
      .toBe(200);
    const order = { id: 'a1', fault: 'kill', master: 'master-1' };
    const own = { 'x-trireme-dashboard': '1' };
    const refused = await admin.call('POST', '/dashboard/faults', {
      body: order,
      headers: { ...own, ...as('jane') },
    });
    expect(refused.status).toBe(403);
    expect(refused.body.message).toMatch(/User "jane" cannot post path "\/dashboard\/faults"/);
    expect((await admin.call('POST', '/dashboard/faults', { body: order })).status).toBe(403);
    admin.close();
  });
});
