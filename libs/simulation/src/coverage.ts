/** Where faults are put in. One that never was put in counts as untested: `npm run simulate` says so and fails. */
export const faultSites = [
  'network: frame lost',
  'network: frame doubled',
  'network: frame reordered',
  'network: delays grow',
  'network: server cut off',
  'network: link cut one way',
  'network: group split',
  'network: link clogged',
  'network: connection reset',
  'network: snapshot stream cut',
  'network: end of a snapshot not heard',
  'process: killed',
  'process: all killed',
  'process: stopped in order',
  'process: paused',
  'process: main thread stalls',
  'process: consensus thread stalls',
  'process: left behind while it stalls',
  'process: leadership transferred',
  'process: transfer not heard of',
  'members: learner added',
  'members: observer added',
  'members: learner promoted',
  'members: promotion slept through',
  'members: removed',
  'members: joint change',
  'power: lost',
  'power: lost everywhere',
  'power: write torn',
  'power: sectors lost',
  'power: names lost',
  'disk: slow',
  'disk: EIO on write',
  'disk: ENOSPC on write',
  'disk: log damaged in the middle',
  'disk: newest record of the log lost',
  'disk: misdirected write',
  'disk: snapshot damaged',
  'clock: runs fast or slow',
  'clock: jumps',
] as const;
export type FaultSite = (typeof faultSites)[number];

/** How often each fault took effect. */
export class Coverage {
  readonly counts = new Map<FaultSite, number>(faultSites.map((site) => [site, 0]));

  hit(site: FaultSite, times = 1): void {
    if (times > 0) this.counts.set(site, (this.counts.get(site) ?? 0) + times);
  }
}
