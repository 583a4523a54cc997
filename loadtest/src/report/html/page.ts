import type { LabReport } from '../schema.js';
import { benchBody } from './bench.js';
import { failoverBody } from './failover.js';
import { loadBody } from './load.js';
import { script, style } from './style.js';
import { escape } from './text.js';

/** What a kind of report has to show. */
export interface Body {
  readonly title: string;
  /** Below the title: what was done, in a sentence. */
  readonly lead: string;
  readonly content: string;
}

/** A report as one page that needs nothing else: no network, no fonts, no libraries. */
export function htmlReport<T extends LabReport>(report: T, baseline: T | undefined): string {
  const { title, lead, content } = bodyOf(report, baseline);
  const verdicts = report.verdicts.map(
    ({ what, ok, found }) =>
      `<span class="verdict ${ok ? 'good' : 'bad'}">${ok ? '✓' : '✗'} ${escape(what)} <span class="muted">(${escape(found)})</span></span>`,
  );
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escape(title)} · Trireme</title><style>${style}</style></head>
<body><header><p class="brand">Trireme · ${escape(report.kind)}</p><h1>${escape(title)}</h1><p>${escape(lead)}</p>
<div>${verdicts.join('')}</div></header>
<main>${content}</main>
<footer>${footer(report)}</footer><script>${script}</script></body></html>
`;
}

function bodyOf(report: LabReport, baseline: LabReport | undefined): Body {
  switch (report.kind) {
    case 'load':
      return loadBody(report, baseline?.kind === 'load' ? baseline : undefined);
    case 'failover':
      return failoverBody(report, baseline?.kind === 'failover' ? baseline : undefined);
    case 'bench':
      return benchBody(report, baseline?.kind === 'bench' ? baseline : undefined);
  }
}

function footer({ startedAt, command, version, commit, machine }: LabReport): string {
  const when = startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  const where = `${machine.cpus} × ${machine.model}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`;
  return (
    `<code>${escape(command)}</code><br>${escape(when)} · Trireme ${escape(version)}` +
    `${commit === null ? '' : `, commit <code>${escape(commit)}</code>`}<br>${escape(where)}`
  );
}
