const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Names stand for min, min + 1, … */
  readonly names: readonly string[];
}

const bounds: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/** What is wrong with a cron schedule of five fields or a descriptor, in robfig/cron's words; undefined where it is sound. */
export function cronProblem(schedule: string): string | undefined {
  const spec = schedule.replace(/^(?:CRON_)?TZ=\S+\s+/, '').trim();
  if (spec === '') return 'empty spec string';
  if (spec.startsWith('@')) {
    if (descriptors.includes(spec)) return undefined;
    if (/^@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(spec)) return undefined;
    return `unrecognized descriptor: ${spec}`;
  }
  const fields = spec.split(/\s+/);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [index, field] of fields.entries())
    for (const part of field.split(',')) {
      const problem = partProblem(part, bounds[index]!);
      if (problem !== undefined) return problem;
    }
  return undefined;
}

function partProblem(part: string, { min, max, names }: Bounds): string | undefined {
  const [range = '', step, ...moreSteps] = part.split('/');
  if (moreSteps.length > 0) return `too many slashes: ${part}`;
  const [low = '', high, ...moreEnds] = range.split('-');
  if (moreEnds.length > 0) return `too many hyphens: ${part}`;
  if (step !== undefined && !/^[1-9]\d*$/.test(step))
    return /^0+$/.test(step) ? `step of range should be a positive number: ${part}` : notNumber(step);
  if (low === '*' || low === '?') return high === undefined ? undefined : notNumber(low);
  const numberOf = (word: string): number | undefined => {
    const named = names.indexOf(word.toUpperCase());
    if (named !== -1) return min + named;
    return /^\d+$/.test(word) ? Number(word) : undefined;
  };
  const start = numberOf(low);
  if (start === undefined) return notNumber(low);
  const end = high === undefined ? (step === undefined ? start : max) : numberOf(high);
  if (end === undefined) return notNumber(high ?? '');
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${part}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${part}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${part}`;
  return undefined;
}

function notNumber(word: string): string {
  return `failed to parse int from ${word}: strconv.Atoi: parsing ${JSON.stringify(word)}: invalid syntax`;
}
