const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

export function isIpv4(text: string): boolean {
  return ipv4.test(text);
}

/** RFC 4291 text, without a zone. */
export function isIpv6(text: string): boolean {
  if (text.length > 45 || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [half, part] of halves.entries()) {
    if (part === '') continue;
    const words = part.split(':');
    for (const [index, word] of words.entries()) {
      const last = half === halves.length - 1 && index === words.length - 1;
      if (last && word.includes('.')) {
        if (!isIpv4(word)) return false;
        groups += 2;
      } else if (/^[0-9a-fA-F]{1,4}$/.test(word)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

export function isCidr(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return false;
  return isIpv4(address) ? Number(prefix) <= 32 : isIpv6(address) && Number(prefix) <= 128;
}

/** Addresses no endpoint and no external IP may have: they would lead to the node itself or to its neighbours (CVE-2021-25737). */
export function endpointIpProblem(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (text === '0.0.0.0' || /^[0:]+$/.test(text)) return `may not be unspecified (${text})`;
  if (text.startsWith('127.') || /^[0:]*:0*1$/.test(text))
    return 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
  if (text.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(lower))
    return 'may not be in the link-local range (169.254.0.0/16, fe80::/10)';
  if (text.startsWith('224.0.0.') || lower.startsWith('ff02:'))
    return 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)';
  // An IPv4 address in IPv6 clothes.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(lower);
  return mapped === null ? undefined : endpointIpProblem(mapped[1]!);
}

export const ipMessage = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const cidrMessage = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
