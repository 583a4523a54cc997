import { writeFileSync } from 'node:fs';
import { htmlReport } from './html/page.js';
import type { Outputs } from './outputs.js';
import type { LabReport } from './schema.js';

/** Writes the report where it was asked for, and says where. */
export function writeOutputs<T extends LabReport>(
  { json, report: html }: Outputs,
  report: T,
  baseline: T | undefined,
): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (html !== undefined) {
    writeFileSync(html, htmlReport(report, baseline));
    process.stderr.write(`report: ${html}\n`);
  }
}
