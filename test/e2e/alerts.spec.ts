import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chart } from './support/chart.js';
import { run } from './support/cluster.js';

/** The chart's alerts and dashboards under the real promtool: no cluster is needed for it. */

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}
interface RuleTests {
  readonly tests: readonly {
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts?: readonly unknown[];
    }[];
  }[];
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const alerts = join(chart, 'alerts');
const yaml = <T>(file: string): T => parse(readFileSync(join(alerts, file), 'utf8')) as T;
const rules = yaml<Rules>('trireme.yaml').groups.flatMap((group) => group.rules);
const dashboards = readdirSync(join(chart, 'dashboards'));
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-alerts-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the alerts', () => {
  it('are rules, and pass their tests', async () => {
    const checked = await run('promtool', ['check', 'rules', join(alerts, 'trireme.yaml')]);
    expect(checked, checked.stderr).toMatchObject({ code: 0 });
    const tested = await run('promtool', ['test', 'rules', join(alerts, 'trireme.test.yaml')]);
    expect(tested, tested.stdout + tested.stderr).toMatchObject({ code: 0 });
  });

  it.each(rules.map(({ alert }) => alert))('%s is tested both firing and silent', (alert) => {
    const tests = yaml<RuleTests>('trireme.test.yaml')
      .tests.flatMap((test) => test.alert_rule_test)
      .filter(({ alertname }) => alertname === alert);
    expect(tests.some(({ exp_alerts }) => exp_alerts !== undefined)).toBe(true);
    expect(tests.some(({ exp_alerts }) => exp_alerts === undefined)).toBe(true);
  });

  it.each(rules.map(({ alert, annotations }) => [alert, annotations] as const))(
    '%s says what it means and has a runbook',
    (_, { runbook = '', summary, description }) => {
      expect([summary, description]).not.toContain(undefined);
      expect(existsSync(join(chart, '../../docs/runbooks', runbook)), runbook).toBe(true);
    },
  );
});

describe.each(dashboards)('the dashboard %s', (file) => {
  const dashboard = JSON.parse(readFileSync(join(chart, 'dashboards', file), 'utf8')) as Dashboard;
  const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  it('asks what Prometheus can parse', async () => {
    const record = expressions.map((expr, i) => ({
      record: `dashboard:expression:${i}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\{?\w+\}?/g, 'x'),
    }));
    const path = join(directory, file);
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules: record }] }));
    const checked = await run('promtool', ['check', 'rules', path]);
    expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0 });
    expect(expressions.length).toBeGreaterThan(20);
  });

  it('asks of the chosen job alone, and fits Grafana’s ids', () => {
    for (const expression of expressions) expect(expression).toMatch(/job="\$(job|controllers|scheduler)"/);
    expect(dashboard.uid).toMatch(/^[\w-]{1,40}$/);
  });
});
