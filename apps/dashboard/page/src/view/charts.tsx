import type { History, MemberPoint, Point } from '../model/history.js';
import { Chart, type Series } from './chart.js';
import { integer, milliseconds, rate } from './format.js';
import { lookOf } from './identity.js';
import { windowMs } from './timeline.js';

interface Props {
  readonly history: History;
  readonly members: readonly string[];
  readonly now: number;
  readonly theme: string;
}

const reads = { colour: '--reads', dash: [] };
const writes = { colour: '--writes', dash: [7, 4] };
const errors = { colour: '--errors', dash: [2, 3] };

export function Charts({ history, members, now, theme }: Props) {
  const points = history.points.filter(({ at }) => at > now - windowMs);
  const common = {
    times: points.map(({ at }) => at),
    gaps: history.gaps.filter(({ to }) => to > now - windowMs),
    now,
    theme,
  };
  const one = (label: string, look: Series['look'], value: (point: Point) => number | undefined): Series => ({
    label,
    look,
    values: points.map(value),
  });
  const each = (value: (member: MemberPoint) => number | undefined): Series[] =>
    members.map((name) =>
      one(name, lookOf(members, name), (point) => {
        const member = point.members.get(name);
        return member === undefined ? undefined : value(member);
      }),
    );
  return (
    <div class="charts">
      <Chart
        {...common}
        title="Requests a second"
        note="Requests of clients for resources and the writes of the tour, over all masters that answer; watches are not counted"
        format={rate}
        series={[
          one('reads', reads, (point) => point.readsPerSecond),
          one('writes', writes, (point) => point.writesPerSecond),
          one('errors', errors, (point) => point.errorsPerSecond),
        ]}
      />
      <Chart
        {...common}
        title="Latency"
        note="Time that requests took in the API server, each half second; buckets are a fifth wide"
        format={milliseconds}
        series={[
          one('read p99', reads, (point) => point.readP99Ms),
          one('write p50', { ...writes, colour: '--writes-soft' }, (point) => point.writeP50Ms),
          one('write p99', writes, (point) => point.writeP99Ms),
        ]}
      />
      <Chart
        {...common}
        title="fsync p99, at most"
        note="Upper end of the bucket (1, 2, 4, … ms) that the 99th percentile of the log's syncs falls into"
        format={milliseconds}
        series={each(({ fsyncP99Ms }) => fsyncP99Ms)}
      />
      <Chart
        {...common}
        title="Follower lag, entries"
        note="Entries of the leader's log that a follower does not hold durably, by the leader's view"
        format={integer}
        isWhole
        series={each(({ lagEntries }) => lagEntries)}
      />
      <Chart
        {...common}
        title="Event-loop delay p99"
        note="By how much timers of a master's main thread came late, over a second"
        format={milliseconds}
        series={each(({ loopP99Ms }) => loopP99Ms)}
      />
      <Chart
        {...common}
        title="Appends in flight"
        note="Append messages that the leader has sent and that are not answered yet, at the moment of each report"
        format={integer}
        isWhole
        series={[one('leader → all', writes, ({ inflightMessages }) => inflightMessages)]}
      />
    </div>
  );
}
