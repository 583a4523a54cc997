const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A duration in seconds as kubectl shows ages: two units at most, coarser as it grows ("45s", "3m20s", "5h", "2d4h", "3y"). */
export function humanDuration(seconds: number): string {
  // Clocks differ by a little; more than that is nonsense.
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const whole = Math.floor(seconds);
  if (whole < 2 * minute) return `${whole}s`;
  const minutes = Math.floor(whole / minute);
  if (minutes < 10) return two(minutes, 'm', whole % minute, 's');
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.floor(whole / hour);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 24 * 8) return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24)}d`;
  const years = Math.floor(whole / year);
  if (hours < 24 * 365 * 8) return two(years, 'y', Math.floor(hours / 24) % 365, 'd');
  return `${years}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
