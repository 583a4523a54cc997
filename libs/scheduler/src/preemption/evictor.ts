import { formatTime, isNotFound, resources, type Client, type Clock, type EventRecorder } from '#libs/client';
import type { PodInfo } from '../cache/pod-info.js';

export interface EvictorOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: Pick<EventRecorder, 'event'>;
}

/** Makes room for `preemptor`: each victim is told why, by a DisruptionTarget condition, and deleted. */
export type Evictor = (preemptor: PodInfo, victims: readonly PodInfo[], nodeName: string) => Promise<void>;

export function createEvictor({ client, clock, recorder }: EvictorOptions): Evictor {
  const pods = client.resource(resources.pods);
  const evict = async (victim: PodInfo, preemptor: PodInfo, nodeName: string): Promise<void> => {
    const { name = '', namespace, uid = '' } = victim.pod.metadata;
    const inNamespace = namespace === undefined ? {} : { namespace };
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
      lastTransitionTime: formatTime(clock.now()),
    };
    try {
      await pods.patch(
        name,
        { metadata: { uid }, status: { conditions: [condition] } },
        { type: 'strategic', subresource: 'status', ...inNamespace },
      );
      await pods.delete(name, { preconditions: { uid }, ...inNamespace });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    recorder.event(
      victim.pod,
      'Normal',
      'Preempted',
      `Preempted by pod ${preemptor.uid} on node ${nodeName}`,
    );
  };
  return async (preemptor, victims, nodeName) => {
    const going = victims.filter(({ terminating }) => !terminating);
    await Promise.all(going.map((victim) => evict(victim, preemptor, nodeName)));
  };
}
