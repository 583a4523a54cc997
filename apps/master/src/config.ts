import { readFileSync } from 'node:fs';
import { z } from 'zod';

const port = z.number().int().min(0).max(65_535);
const memberSchema = z.object({
  id: z.number().int().positive(),
  name: z.string().min(1),
  host: z.string().min(1),
  port,
  /** Serves everything from its own copy of the state, and has no vote. */
  observer: z.boolean().optional(),
});

const masterConfigSchema = z.strictObject({
  /** Name of this replica, unique in the cluster. */
  name: z.string().min(1),
  clusterName: z.string().default('trireme'),
  /** Chosen once per cluster; a peer or a data directory of another cluster is refused. */
  clusterId: z.string().min(1),
  memberId: z.number().int().positive(),
  /** The first members; afterwards the replicated configuration decides. */
  members: z.array(memberSchema).min(1),
  /** This master is an observer, as if its entry of `members` said so. Of one that joins, `trireme member add` decides it. */
  observer: z.boolean().default(false),
  /** This master was added to a cluster that runs (`trireme member add`): it starts with nothing and catches up. */
  join: z.boolean().default(false),
  dataDir: z.string().min(1),
  pkiDir: z.string().min(1),
  bindAddress: z.string().default('127.0.0.1'),
  /** Ports as in operations.md; 0 takes any free one. */
  securePort: port.default(6443),
  etcdMetricsPort: port.default(2381),
  controllerManagerPort: port.default(10_257),
  schedulerPort: port.default(10_259),
  /** URL that clients and pods use: the balancer or Service in front of the masters. */
  externalUrl: z.string().url().optional(),
  serviceClusterIpRange: z.string().default('10.96.0.0/16'),
  tickMs: z.number().int().min(5).max(1_000).default(20),
  electionTicks: z.number().int().min(4).max(100).default(10),
  heartbeatTicks: z.number().int().min(1).max(50).default(2),
  /** Beside as much as the store holds; below it the alarm `lowDisk` is raised. */
  diskReserveBytes: z
    .number()
    .int()
    .positive()
    .default(64 * 1024 ** 2),
  /** How often the certificates on disk are looked at. */
  certificateReloadMs: z.number().int().min(50).default(2_000),
  quotaBytes: z
    .number()
    .int()
    .positive()
    .default(8 * 1024 ** 3),
  /**
   * Store in an external etcd instead of the embedded log: `etcd://host:port[,…][/prefix]`, `etcds://` for TLS. Members
   * need no peer ports then, and data directories hold no data.
   */
  storage: z.string().min(1).optional(),
  /** PEM. Absent: the authorities that the system trusts. */
  storageCaFile: z.string().min(1).optional(),
  /** PEM, where etcd asks its clients for a certificate. */
  storageCertFile: z.string().min(1).optional(),
  storageKeyFile: z.string().min(1).optional(),
  storageUser: z.string().min(1).optional(),
  storagePasswordFile: z.string().min(1).optional(),
  /**
   * Keep Events in Redis instead of in the log: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS. The
   * same for all masters.
   */
  eventsStore: z.string().min(1).optional(),
  /** PEM. Absent: the authorities that the system trusts. */
  eventsStoreCaFile: z.string().min(1).optional(),
  /** How long Events are kept, in the log or in Redis. */
  eventTtlSeconds: z.number().int().min(1).default(3_600),
  /** Serve etcd's own clients, with certificates of `etcd-ca`. Absent: not served. */
  etcdApi: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(1).max(65_535),
      /** URLs under which clients reach each master's service, by the master's name: what a member list shows. */
      clientUrls: z.record(z.string(), z.string().url()).default({}),
    })
    .optional(),
  /** Follow requests through Raft. Absent: nothing is followed. */
  tracing: z
    .strictObject({
      /** OTLP/HTTP collector: http://127.0.0.1:4318/v1/traces. */
      endpoint: z.string().url().optional(),
      /** File that gets a JSON object a span. */
      file: z.string().min(1).optional(),
      sampleRatio: z.number().min(0).max(1).default(0.01),
    })
    .refine(({ endpoint, file }) => (endpoint === undefined) !== (file === undefined), {
      message: 'either an endpoint or a file is wanted',
    })
    .optional(),
  /** Accept fault injection (partitions, faults of the disk) from cluster administrators: for clusters on one machine. */
  faultInjection: z.boolean().default(false),
  /** Data directory of the local cluster whose supervisor does the faults that the dashboard's buttons ask for. */
  supervisorDir: z.string().min(1).optional(),
  /** URLs of the masters' own API ports, by name, for the dashboard. Default: `securePort` on each member's host. */
  apiUrls: z.record(z.string(), z.string().url()).default({}),
});

export type MasterConfig = z.infer<typeof masterConfigSchema>;
/** What a configuration file has to hold; everything else has a default. */
export type MasterConfigInput = z.input<typeof masterConfigSchema>;

/** A configuration that cannot be used: the message names the file, the key and what is wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Every key of a configuration with the rule for its value, for what sets single ones beside a file. */
export const masterConfigKeys = masterConfigSchema.shape;

/**
 * Reads and checks a JSON configuration file; `overrides` (flags, environment) win over it. Without a `memberId`, the
 * one that `members` gives to `name` is taken, so that all masters can be started from one file. Throws ConfigError.
 */
export function loadMasterConfig(
  path: string,
  overrides: Readonly<Record<string, unknown>> = {},
): MasterConfig {
  const raw = { ...readObject(path), ...overrides };
  return check(path, { memberId: memberIdByName(raw), ...raw });
}

/** What such a file says of the cluster, whichever of its masters it is for. Throws ConfigError. */
export function loadClusterConfig(path: string): Omit<MasterConfig, 'name' | 'memberId'> {
  return check(path, { name: 'any', memberId: 1, ...readObject(path) });
}

function readObject(path: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new ConfigError(`cannot read the configuration ${path}: ${(error as Error).message}`);
  }
}

function check(path: string, raw: unknown): MasterConfig {
  const parsed = masterConfigSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`,
  );
  throw new ConfigError(`${path} is not a valid configuration: ${faults.join('; ')}`);
}

function memberIdByName({ name, members }: Readonly<Record<string, unknown>>): unknown {
  if (!Array.isArray(members)) return undefined;
  return (members as readonly { readonly id?: unknown; readonly name?: unknown }[]).find(
    (member) => member?.name === name,
  )?.id;
}
