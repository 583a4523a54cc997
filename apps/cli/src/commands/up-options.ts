import { type Command, Option } from 'commander';
import { type EventsStoreFlags, eventsStoreOptions } from './events-store-options.js';
import { clusterOptions, duration, hostAndPort, type HostAndPort, integer, oneOf } from './options.js';
import { type StorageFlags, storageOptions } from './storage-options.js';

export interface UpFlags extends StorageFlags, EventsStoreFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly masters: number;
  readonly observers: number;
  readonly nodes: number;
  readonly port: number;
  readonly config?: string;
  readonly detach: boolean;
  readonly wait: number;
  readonly kubeconfig?: string;
  readonly podStartDelay: number;
  readonly jobDuration: number;
  readonly etcdListen?: HostAndPort;
}

/** The flags of `trireme up`, which `config view` explains. */
export function upOptions(command: Command): Command {
  return eventsStoreOptions(storageOptions(clusterOptions(command)))
    .addOption(number('--masters <n>', 'master replicas (odd)', 3, 1, 7, 'TRIREME_MASTERS'))
    .addOption(
      number(
        '--observers <n>',
        'members without a vote, that serve reads, watches and writes',
        0,
        0,
        8,
        'TRIREME_OBSERVERS',
      ),
    )
    .addOption(number('--nodes <n>', 'simulated nodes', 3, 0, 5_000, 'TRIREME_NODES'))
    .addOption(
      number('--port <port>', 'port of the balancer; 0 takes free ones', 6443, 0, 65_000, 'TRIREME_PORT'),
    )
    .addOption(
      new Option(
        '--config <file>',
        'file with the same keys as the flags (YAML or JSON; - is standard input)',
      ).env('TRIREME_CONFIG'),
    )
    .option('--detach', 'return when the cluster is ready', false)
    .addOption(
      new Option('--wait <duration>', 'how long to wait for readiness')
        .default(60_000, '60s')
        .env('TRIREME_WAIT')
        .argParser(duration),
    )
    .addOption(
      new Option('--kubeconfig <file>', 'kubeconfig to write (default: $KUBECONFIG or ~/.kube/config)').env(
        'TRIREME_KUBECONFIG',
      ),
    )
    .addOption(
      oneOf('--runtime <runtime>', 'what runs the pods', ['auto', 'simulated'])
        .default('auto')
        .env('TRIREME_RUNTIME'),
    )
    .addOption(
      new Option('--pod-start-delay <duration>', 'time a simulated pod takes to run')
        .default(50, '50ms')
        .env('TRIREME_POD_START_DELAY')
        .argParser(duration),
    )
    .addOption(
      new Option('--job-duration <duration>', 'time a simulated job pod runs')
        .default(1_000, '1s')
        .env('TRIREME_JOB_DURATION')
        .argParser(duration),
    )
    .addOption(
      new Option(
        '--etcd-listen <host:port>',
        "serve etcd's clients from there on, a port a master; 0 takes free ones",
      )
        .env('TRIREME_ETCD_LISTEN')
        .argParser(hostAndPort),
    );
}

function number(flags: string, text: string, value: number, min: number, max: number, env: string): Option {
  return new Option(flags, text).default(value).env(env).argParser(integer(min, max));
}
