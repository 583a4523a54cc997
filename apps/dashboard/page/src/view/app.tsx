import { useEffect, useReducer, useState } from 'preact/hooks';
import type { FaultKind, Frame } from '../../../protocol.js';
import { order } from '../live.js';
import { leaderOf } from '../model/history.js';
import type { Connection, Store } from '../store.js';
import { runTour, type TourState } from '../tour-run.js';
import { Charts } from './charts.js';
import { ago } from './format.js';
import { Masters } from './masters.js';
import { Events, Workloads } from './objects.js';
import { Ring } from './ring.js';
import { Happenings, Timeline, toldFault } from './timeline.js';
import { Tour } from './tour.js';

/** Light or dark, as the system has it. */
function useTheme(): string {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const [isDark, setDark] = useState(dark.matches);
  useEffect(() => {
    const changed = (): void => setDark(dark.matches);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);
  return isDark ? 'dark' : 'light';
}

/** Draws anew with each frame, and once a second while there are none. */
function useStore(store: Store): void {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const unsubscribe = store.subscribe(() => redraw(undefined));
    const timer = setInterval(() => {
      if (store.connection.state !== 'live') redraw(undefined);
    }, 1_000);
    return () => {
      unsubscribe();
      clearInterval(timer);
    };
  }, [store]);
}

export function App({ store }: { readonly store: Store }) {
  useStore(store);
  const theme = useTheme();
  const [said, say] = useState('');
  const [tour, setTour] = useState<TourState>();
  const [isTouring, setTouring] = useState(false);
  const { frame, history, chronicle, connection, objects } = store;
  if (frame === undefined) return <Waiting connection={connection} />;
  const members = frame.members.map(({ name }) => name);
  const canFault = frame.faults !== undefined;
  const now = connection.state === 'live' ? frame.at : Math.max(frame.at, Date.now());
  const doFault = (fault: FaultKind, master: string): void => {
    say(`${toldFault(fault)} ${master} …`);
    order(fault === 'heal' ? { fault } : { fault, master }).then(
      () => say(`${toldFault(fault)} ${fault === 'heal' ? '' : master}: done`),
      (error: unknown) => say(`not done: ${(error as Error).message}`),
    );
  };
  const startTour = (): void => {
    setTouring(true);
    void runTour(store, setTour).then(() => setTouring(false));
  };
  return (
    <>
      <a class="skip" href="#main">
        Skip to the cluster
      </a>
      <Top frame={frame} connection={connection} now={now} />
      <main id="main" class={connection.state === 'lost' ? 'stale' : ''}>
        <section class="card ring-card" aria-labelledby="ring-title">
          <h2 id="ring-title">Replicas</h2>
          <Ring frame={frame} point={history.points.at(-1)} />
        </section>
        <section class="card masters-card" aria-labelledby="masters-title">
          <h2 id="masters-title">Masters</h2>
          <Masters
            frame={frame}
            points={history.points.filter(({ at }) => at > frame.at - 10_000)}
            onFault={canFault ? doFault : undefined}
          />
          <p class="said" role="status">
            {canFault ? said : 'Faults are for administrators of a local cluster: there are no buttons here.'}
          </p>
        </section>
        {canFault && <Tour state={tour} isRunning={isTouring} onStart={startTour} />}
        <section class="card timeline-card" aria-labelledby="timeline-title">
          <h2 id="timeline-title">Terms and faults</h2>
          <Timeline history={history} chronicle={chronicle} members={members} now={now} />
          <Happenings chronicle={chronicle} gaps={history.gaps} />
        </section>
        <section class="card charts-card" aria-label="Charts of the last two minutes">
          <Charts history={history} members={members} now={now} theme={theme} />
        </section>
        <section class="card workloads-card" aria-labelledby="workloads-title">
          <h2 id="workloads-title">Nodes and workloads</h2>
          <Workloads objects={objects} now={now} />
        </section>
        <section class="card events-card" aria-labelledby="events-title">
          <h2 id="events-title">Events</h2>
          <Events objects={objects} now={now} />
        </section>
      </main>
    </>
  );
}

function Waiting({ connection }: { readonly connection: Connection }) {
  return (
    <main class="waiting">
      <h1>Trireme</h1>
      <p role="status">
        {connection.state === 'lost' ? `No master answers yet: ${connection.why}` : 'Looking for a master …'}
      </p>
    </main>
  );
}

interface TopProps {
  readonly frame: Frame;
  readonly connection: Connection;
  readonly now: number;
}

function Top({ frame, connection, now }: TopProps) {
  const leader = leaderOf(frame);
  const alarms = new Set(
    frame.members.flatMap(({ observation }) =>
      (observation?.alarms ?? []).map(({ type, member }) => `${type} on ${member}`),
    ),
  );
  return (
    <header class="top">
      <h1>
        <img src="icon.svg" alt="" width="28" height="28" /> Trireme{' '}
        <span class="cluster">{frame.cluster}</span>
      </h1>
      <p class="headline">
        {leader === undefined ? (
          <span class="badge badge-silent">✕ no leader</span>
        ) : (
          <span class="badge badge-leader">
            ★ {leader.name} leads term {leader.term}
          </span>
        )}
        {[...alarms].map((alarm) => (
          <span key={alarm} class="badge badge-warn">
            △ {alarm}
          </span>
        ))}
      </p>
      <p class={`connection connection-${connection.state}`} role="status">
        <span class="dot" aria-hidden="true" />
        {connection.state === 'live' && `live through ${connection.servedBy}`}
        {connection.state === 'connecting' && 'looking for a master'}
        {connection.state === 'lost' && `no news for ${ago(frame.at, now)}: ${connection.why}`}
      </p>
    </header>
  );
}
