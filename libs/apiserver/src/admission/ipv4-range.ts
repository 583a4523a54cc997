/** A range of IPv4 addresses, of which the first and the last are never given out. */
export interface Ipv4Range {
  readonly first: number;
  /** Addresses that may be given out. */
  readonly size: number;
}

/** Reads `10.96.0.0/16`. Throws RangeError for what is none, or too small to give anything out. */
export function parseIpv4Range(text: string): Ipv4Range {
  const [address = '', bits = ''] = text.split('/');
  const base = parseIpv4(address);
  const length = Number(bits);
  if (base === undefined || !/^[0-9]{1,2}$/.test(bits) || length < 8 || length > 30)
    throw new RangeError(
      `${JSON.stringify(text)} is no IPv4 range such as 10.96.0.0/16 (between /8 and /30)`,
    );
  const total = 2 ** (32 - length);
  return { first: base - (base % total) + 1, size: total - 2 };
}

export function contains({ first, size }: Ipv4Range, address: number): boolean {
  return address >= first && address < first + size;
}

/** The address as a number, undefined where the text is none in canonical form. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatIpv4(address: number): string {
  return [address / 2 ** 24, address / 2 ** 16, address / 2 ** 8, address]
    .map((part) => Math.floor(part) % 256)
    .join('.');
}
