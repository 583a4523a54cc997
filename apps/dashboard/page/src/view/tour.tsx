import type { ComponentChildren } from 'preact';
import type { TourState } from '../tour-run.js';
import { integer, milliseconds } from './format.js';

const phases = ['writing', 'killing', 'electing', 'returning', 'checking', 'done'] as const;

interface Props {
  readonly state: TourState | undefined;
  readonly isRunning: boolean;
  readonly onStart: () => void;
}

/** The tour: the leader is killed for real, and each step says what was measured. */
export function Tour({ state, isRunning, onStart }: Props) {
  return (
    <section class="card tour" aria-labelledby="tour-title">
      <header>
        <h2 id="tour-title">Tour: kill the leader</h2>
        <button type="button" class="primary" disabled={isRunning} onClick={onStart}>
          {isRunning ? 'Running …' : state === undefined ? 'Kill the leader' : 'Once more'}
        </button>
      </header>
      {state === undefined ? (
        <p>
          A writer in this page writes one number after the other through the log. Then the leader is killed
          with <code>kill -9</code>, for real. You see how soon the others notice, who takes over, how long
          the writer waited, and whether anything that was acknowledged is lost.
        </p>
      ) : (
        <ol class="steps" aria-live="polite">
          {stepsOf(state).map(({ title, text, isDone, isNow }) => (
            <li key={title} class={isDone ? 'step-done' : isNow ? 'step-now' : 'step-later'}>
              <span class="mark" aria-hidden="true">
                {isDone ? '✓' : isNow ? '▸' : '·'}
              </span>
              <div>
                <b>{title}</b> {text}
              </div>
            </li>
          ))}
          {state.phase === 'failed' && (
            <li class="step-failed">
              <span class="mark" aria-hidden="true">
                ✕
              </span>
              <div>
                <b>The tour ended early.</b> {state.problem}
              </div>
            </li>
          )}
        </ol>
      )}
    </section>
  );
}

interface Step {
  readonly title: string;
  readonly text: ComponentChildren;
  readonly isDone: boolean;
  readonly isNow: boolean;
}

function stepsOf(state: TourState): Step[] {
  const { phase, leader, acknowledged, medianWriteMs, failover, backMs, unanswered, lost } = state;
  const at = phase === 'failed' ? -1 : phases.indexOf(phase);
  const figure = (value: number | undefined) => <strong class="figure">{milliseconds(value)}</strong>;
  const steps: Omit<Step, 'isDone' | 'isNow'>[] = [
    {
      title: `${leader} leads; a writer writes.`,
      text: (
        <>
          {integer(acknowledged)} writes acknowledged
          {medianWriteMs === undefined ? (
            ''
          ) : (
            <>, each in {figure(medianWriteMs)} (median, before the kill)</>
          )}
        </>
      ),
    },
    {
      title: `kill -9 ${leader}.`,
      text:
        failover === undefined
          ? ''
          : 'The process ends in the middle of what it was doing. Its sockets close.',
    },
    {
      title: 'The others take over.',
      text: failover !== undefined && (
        <>
          {failover.noticedMs !== undefined && <>The leader is missed after {figure(failover.noticedMs)}. </>}
          {failover.elected !== undefined && (
            <>
              {failover.elected.leader} leads term {failover.elected.term} after {figure(failover.elected.ms)}
              .{' '}
            </>
          )}
          {failover.writer !== undefined && (
            <>
              The writer waited {figure(failover.writer.gapMs)} at most between two acknowledgements, and
              writes on through {failover.writer.servedBy}.
            </>
          )}
        </>
      ),
    },
    {
      title: `${leader} comes back.`,
      text: failover?.restartedMs !== undefined && (
        <>
          The supervisor started it again after {figure(failover.restartedMs)}
          {backMs === undefined ? (
            '.'
          ) : (
            <>; it follows, is ready and holds the whole log after {figure(backMs)}.</>
          )}
        </>
      ),
    },
    {
      title: 'Was anything lost?',
      text: lost !== undefined && (
        <>
          <strong class={lost === 0 ? 'figure good' : 'figure bad'}>
            {lost === 0 ? 'Nothing' : `${lost} writes`}
          </strong>
          :{' '}
          {lost === 0
            ? `all ${integer(acknowledged)}`
            : `${integer(acknowledged - lost)} of ${integer(acknowledged)}`}{' '}
          acknowledged writes are held
          {unanswered > 0 && (
            <>; {integer(unanswered)} sent ones went unanswered and were tried again under a new number</>
          )}
          .
        </>
      ),
    },
  ];
  const progress = [1, 2, 3, 4, 5];
  return steps.map((step, i) => ({
    ...step,
    isDone: phase === 'failed' ? hasText(step.text) : at >= (progress[i] ?? 0),
    isNow: at === i,
  }));
}

function hasText(text: ComponentChildren): boolean {
  return text !== false && text !== '' && text !== undefined;
}
