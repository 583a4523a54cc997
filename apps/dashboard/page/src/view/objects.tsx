import type { ObjectsFrame, Part } from '../../../protocol.js';
import { ago, integer } from './format.js';

interface Props {
  readonly objects: ObjectsFrame | undefined;
  readonly now: number;
}

function Missing<T>({ part }: { readonly part: Part<T> | undefined }) {
  return <p class="missing">{part === undefined ? 'not read yet' : part.missing}</p>;
}

/** Nodes, pods and workloads, by count. */
export function Workloads({ objects }: Props) {
  const { nodes, pods, workloads } = objects ?? {};
  return (
    <>
      <div class="tiles">
        <div class="tile">
          <h3>Nodes ready</h3>
          {nodes === undefined || nodes.missing !== undefined ? (
            <Missing part={nodes} />
          ) : (
            <p class="big">
              {integer(nodes.ready)} <small>of {integer(nodes.total)}</small>
            </p>
          )}
        </div>
        <div class="tile">
          <h3>Pods</h3>
          {pods === undefined || pods.missing !== undefined ? (
            <Missing part={pods} />
          ) : (
            <>
              <p class="big">{integer(pods.total)}</p>
              <p class="phases">
                {Object.entries(pods.phases)
                  .map(([phase, count]) => `${integer(count)} ${phase}`)
                  .join(' · ')}
              </p>
            </>
          )}
        </div>
      </div>
      {workloads === undefined || workloads.missing !== undefined ? (
        <Missing part={workloads} />
      ) : workloads.rows.length === 0 ? (
        <p class="missing">no workloads</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Workloads">
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Workload</th>
                <th scope="col" class="number">
                  Ready
                </th>
              </tr>
            </thead>
            <tbody>
              {workloads.rows.map(({ kind, namespace, name, ready, wanted }) => (
                <tr key={`${kind}/${namespace}/${name}`} class={ready < wanted ? 'unready' : ''}>
                  <td>
                    <small>{kind}</small> {namespace}/{name}
                  </td>
                  <td class="number">
                    {ready < wanted ? '△ ' : ''}
                    {ready}/{wanted}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {workloads.total > workloads.rows.length && (
            <p class="missing">and {integer(workloads.total - workloads.rows.length)} more</p>
          )}
        </div>
      )}
    </>
  );
}

/** The newest Events. */
export function Events({ objects, now }: Props) {
  const events = objects?.events;
  if (events === undefined || events.missing !== undefined) return <Missing part={events} />;
  return (
    <>
      <p class="count">{integer(events.total)} stored; the newest:</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Newest events">
        <ul class="events">
          {events.rows.map(({ uid, at, type, reason, object, message, count }) => (
            <li key={uid} class={type === 'Normal' ? '' : 'warning'}>
              <p>
                <time>{at === 0 ? '–' : ago(at, now)}</time>
                <b>
                  {type === 'Normal' ? '' : '△ '}
                  {reason}
                </b>
                {count > 1 && <small>×{count}</small>}
                <span class="object">{object}</span>
              </p>
              <p class="message">{message}</p>
            </li>
          ))}
          {events.rows.length === 0 && <li class="missing">no events</li>}
        </ul>
      </div>
    </>
  );
}
