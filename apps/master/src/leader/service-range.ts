/** The first usable address of an IPv4 range, which the `kubernetes` Service takes: 10.96.0.0/16 → 10.96.0.1. */
export function firstAddress(range: string): string {
  const [address = ''] = range.split('/');
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new Error(`serviceClusterIpRange ${range} is not an IPv4 range such as 10.96.0.0/16`);
  }
  return [...parts.slice(0, 3), (parts[3] ?? 0) + 1].join('.');
}
