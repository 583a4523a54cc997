/** Injection tokens of the composition root. What stands behind each is typed where it is provided. */
export const MASTER_CONFIG = Symbol('MasterConfig');
export const CERTIFICATES = Symbol('Certificates');
export const STORAGE = Symbol('Replica');
/** Undefined where Events are kept in the storage. */
export const EVENT_STORE = Symbol('EventStore');
export const SCHEME = Symbol('Scheme');
export const SECURITY = Symbol('Security');
export const HEALTH = Symbol('HealthRegistry');
export const API_SERVER = Symbol('ApiServer');
export const DASHBOARD = Symbol('Dashboard');
export const TELEMETRY = Symbol('Telemetry');
/** An AbortController whose abort says that the master stops. */
export const STOPPING = Symbol('Stopping');
/** Undefined where requests are not followed. */
export const TRACING = Symbol('Tracing');
export const LOGGER = Symbol('Logger');
