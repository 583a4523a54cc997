/**
 * The five-field cron format (minute hour day-of-month month day-of-week) with lists, ranges, steps, names, `?` and the
 * `@hourly` words, as robfig/cron reads it. Where both days are restricted, either suffices.
 */
export interface Schedule {
  /** The first minute after `afterMs` that fits, undefined where none does within five years. */
  next(afterMs: number): number | undefined;
}

interface Field {
  readonly values: ReadonlySet<number>;
  readonly isAny: boolean;
}

const words: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Throws on text that is no schedule, and RangeError on an unknown time zone. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const trimmed = text.trim();
  const every = /^@every (\d+)([smh])$/.exec(trimmed);
  if (every !== null) {
    const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 }[every[2] ?? 's'] ?? 1_000;
    const periodMs = Number(every[1]) * unitMs;
    if (periodMs <= 0) throw new Error(`bad schedule ${JSON.stringify(text)}`);
    return { next: (afterMs) => Math.floor(afterMs / 1_000) * 1_000 + periodMs };
  }
  const parts = (words[trimmed] ?? trimmed).split(/\s+/);
  if (parts.length !== 5)
    throw new Error(`expected 5 fields in schedule ${JSON.stringify(text)}, found ${parts.length}`);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = [
    parseField(parts[0] ?? '', 0, 59),
    parseField(parts[1] ?? '', 0, 23),
    parseField(parts[2] ?? '', 1, 31),
    parseField(parts[3] ?? '', 1, 12, months, 1),
    parseField(parts[4] ?? '', 0, 6, days, 0),
  ];
  const read = calendarOf(timeZone);
  const dayFits = (date: Calendar): boolean => {
    const byMonth = dayOfMonth.values.has(date.day);
    const byWeek = dayOfWeek.values.has(date.weekday);
    return dayOfMonth.isAny || dayOfWeek.isAny ? byMonth && byWeek : byMonth || byWeek;
  };
  return {
    next(afterMs) {
      const limitMs = afterMs + 5 * 366 * 86_400_000;
      let atMs = Math.floor(afterMs / 60_000) * 60_000 + 60_000;
      while (atMs <= limitMs) {
        const date = read(atMs);
        if (!month.values.has(date.month) || !dayFits(date)) {
          // To the next hour, not the next day: a day may have 23 or 25 hours.
          atMs += (60 - date.minute) * 60_000;
        } else if (!hour.values.has(date.hour)) atMs += (60 - date.minute) * 60_000;
        else if (minute.values.has(date.minute)) return atMs;
        else atMs += 60_000;
      }
      return undefined;
    },
  };
}

function parseField(text: string, min: number, max: number, names: readonly string[] = [], base = 0): Field {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',')) {
    const [range = '', stepText] = part.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) throw new Error(`bad step in ${JSON.stringify(text)}`);
    const any = range === '*' || range === '?';
    if (any && step === 1) isAny = true;
    const [from, to] = any ? [min, max] : rangeOf(range, stepText === undefined, max, names, base);
    if (from < min || to > max || from > to)
      throw new Error(`${JSON.stringify(text)} is not within ${min}-${max}`);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return { values, isAny };
}

function rangeOf(
  text: string,
  single: boolean,
  max: number,
  names: readonly string[],
  base: number,
): [number, number] {
  const number = (each: string): number => {
    const named = names.indexOf(each.toLowerCase());
    if (named !== -1) return named + base;
    if (!/^\d+$/.test(each)) throw new Error(`${JSON.stringify(each)} is no number`);
    return Number(each);
  };
  const [from = '', to] = text.split('-');
  const first = number(from);
  if (to !== undefined) return [first, number(to)];
  return [first, single ? first : max];
}

interface Calendar {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly weekday: number;
}

function calendarOf(timeZone: string): (ms: number) => Calendar {
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC') {
    return (ms) => {
      const date = new Date(ms);
      return {
        minute: date.getUTCMinutes(),
        hour: date.getUTCHours(),
        day: date.getUTCDate(),
        month: date.getUTCMonth() + 1,
        weekday: date.getUTCDay(),
      };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    minute: 'numeric',
    hour: 'numeric',
    day: 'numeric',
    month: 'numeric',
    weekday: 'short',
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map((part) => [part.type, part.value]));
    return {
      minute: Number(parts.get('minute')),
      hour: Number(parts.get('hour')),
      day: Number(parts.get('day')),
      month: Number(parts.get('month')),
      weekday: days.indexOf((parts.get('weekday') ?? '').toLowerCase()),
    };
  };
}
