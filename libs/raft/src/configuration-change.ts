import type { Configuration, ConfigurationChange, ConfigurationRefusalReason, MemberId } from './types.js';

/** The configuration that `changes` make of one that is not joint, or why they cannot be made. */
export function changeConfiguration(
  current: Configuration,
  changes: readonly ConfigurationChange[],
  context: Uint8Array,
): Configuration | ConfigurationRefusalReason {
  const voters = new Set(current.voters);
  const learners = new Set(current.learners);
  const observers = new Set(current.observers);
  for (const { type, id } of changes) {
    const known = voters.has(id) || learners.has(id) || observers.has(id);
    if (type.startsWith('add') === known) return known ? 'knownMember' : 'unknownMember';
    if (type === 'promote' && !learners.has(id)) return 'notLearner';
    learners.delete(id);
    observers.delete(id);
    voters.delete(id);
    if (type === 'addLearner') learners.add(id);
    else if (type === 'addObserver') observers.add(id);
    else if (type !== 'remove') voters.add(id);
  }
  if (voters.size === 0) return 'lastVoter';
  return {
    voters: inOrder(voters),
    // Majorities of two sets that differ by one voter always meet; else both sets must agree (dissertation §4.3).
    votersOutgoing: differences(current.voters, voters) > 1 ? current.voters : [],
    learners: inOrder(learners),
    observers: inOrder(observers),
    context,
  };
}

function differences(before: readonly MemberId[], after: ReadonlySet<MemberId>): number {
  const kept = before.filter((id) => after.has(id)).length;
  return before.length - kept + (after.size - kept);
}

/** The same set gives the same bytes, however it came about. */
function inOrder(ids: ReadonlySet<MemberId>): MemberId[] {
  return [...ids].sort((a, b) => a - b);
}
