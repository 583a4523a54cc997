import type { NemesisParts, Striker } from './nemesis-parts.js';
import type { Server } from './server.js';

/** Members come, vote, and go. */
export class MembershipFaults {
  private readonly dismissed = new Set<number>();

  constructor(
    private readonly striker: Striker,
    private readonly parts: NemesisParts,
  ) {}

  /** Changes of membership, asked for on any server, one over the other. Three voters stay, as far as that one knows. */
  strike(): void {
    const { coverage, servers } = this.parts;
    const { striker } = this;
    const { random } = striker;
    const asked = striker.victim();
    const replica = asked?.replica;
    if (asked === undefined || replica === undefined) return;
    const list = replica.members.list();
    const voters = list.filter(({ role }) => role === 'voter');
    const learners = list.filter(({ role }) => role === 'learner');
    const ask = (what: string, change: () => Promise<unknown>): void => {
      this.striker.note(`${asked.name} is asked to ${what}`);
      change().then(
        () => this.striker.note(`done: ${what}`),
        (error: unknown) => this.striker.note(`not done: ${what}: ${String(error)}`),
      );
    };
    if (learners.length >= 2 && random.chance(0.5)) return this.changeJointly(learners);
    const dice = random.next();
    if (dice < 0.45 && list.length < 7 && servers.length < 12) {
      const role = random.chance(0.2) ? 'observer' : 'learner';
      const port = 1_000 + this.striker.count;
      ask(`add a ${role}`, async () => {
        const id = await replica.members.add({ host: 'simulated', port, role }, 2_000);
        coverage.hit(role === 'learner' ? 'members: learner added' : 'members: observer added');
        this.parts.enlist(id);
        this.noteDismissed();
        if (role !== 'learner' || random.chance(0.3)) return;
        this.striker.until(150, () => this.promote(asked, id));
      });
    } else if (dice < 0.7 && learners.length > 0) {
      this.promote(asked, random.pick(learners).id);
    } else {
      const removable = voters.length > 3 ? list : list.filter(({ role }) => role !== 'voter');
      if (removable.length === 0) return;
      const { id } = random.pick(removable);
      this.dismissed.add(id);
      this.noteDismissed();
      ask(`remove m${id}`, async () => {
        await replica.members.remove(id, 1_500);
        coverage.hit('members: removed');
      });
    }
  }

  /** Some are to be removed before they have started. */
  private noteDismissed(): void {
    for (const server of this.parts.servers) server.dismissed ||= this.dismissed.has(server.id);
  }

  /** It may sleep through its promotion, and wake when its vote is needed. */
  private promote(asked: Server, id: number): void {
    const { coverage, scenario, servers } = this.parts;
    const sleeper = this.striker.random.chance(0.3) ? servers.find((each) => each.id === id) : undefined;
    if (sleeper !== undefined) {
      coverage.hit('members: promotion slept through');
      this.striker.pause(sleeper, 'consensus', scenario.tickMs * scenario.electionTicks);
    }
    asked.replica?.members.promote(id, 1_500).then(
      () => {
        coverage.hit('members: learner promoted');
        this.striker.note(`m${id} is promoted`);
        const leader = this.striker.leader();
        if (sleeper === undefined || leader === undefined || leader === sleeper) return;
        this.striker.note(`${leader.name} is killed`);
        leader.crash(false);
        this.striker.restart(leader);
      },
      (error: unknown) => this.striker.note(`m${id} is not promoted: ${String(error)}`),
    );
  }

  /** Two at once: majorities of before and after need not meet, so both must agree. */
  private changeJointly(learners: readonly { readonly id: number }[]): void {
    const { coverage, observer } = this.parts;
    const leader = this.striker.leader();
    const raft = leader === undefined ? undefined : observer.of(leader.id).raft;
    if (raft === undefined) return;
    const changes = learners.slice(0, 2).map(({ id }) => ({ type: 'promote' as const, id: id as never }));
    const outcome = raft.proposeConfiguration(changes, raft.status().configuration.context);
    this.striker.note(`two learners are to be promoted at once: ${JSON.stringify(outcome)}`);
    if ('index' in outcome) coverage.hit('members: joint change');
  }
}
