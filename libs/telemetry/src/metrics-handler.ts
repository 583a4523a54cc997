import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** Who asks, by the certificate of the connection. */
export interface MetricsReader {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface MetricsHandlerOptions {
  /** Whether this reader may `get /metrics`. */
  readonly isAllowed: (reader: MetricsReader) => Promise<boolean>;
  readonly exposition: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/**
 * Answers a port of one component, over TLS: `/metrics` to who shows a certificate of the port's authority and is allowed,
 * `/healthz` to everybody.
 */
export function metricsHandler(
  options: MetricsHandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const end = (status: number, text: string, contentType = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': contentType }).end(text);
    };
    const path = (request.url ?? '').split('?')[0];
    if (path === '/healthz') return end(200, 'ok');
    if (path !== '/metrics') return end(404, 'not found: /metrics and /healthz are here\n');
    answer(options, readerOf(request.socket as TLSSocket)).then(
      ({ status, text, contentType }) => end(status, text, contentType),
      (error: unknown) => end(500, `${(error as Error).message}\n`),
    );
  };
}

async function answer(
  { isAllowed, exposition }: MetricsHandlerOptions,
  reader: MetricsReader | undefined,
): Promise<{ readonly status: number; readonly text: string; readonly contentType?: string }> {
  if (reader === undefined)
    return { status: 401, text: 'a client certificate of this cluster is required\n' };
  if (!(await isAllowed(reader)))
    return { status: 403, text: `User "${reader.username}" cannot get path "/metrics"\n` };
  return { status: 200, ...(await exposition()) };
}

/** CN is the user, each O a group. */
function readerOf(socket: TLSSocket): MetricsReader | undefined {
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
  if (subject?.CN === undefined) return undefined;
  const organizations: string | string[] = subject.O ?? [];
  return {
    username: String(subject.CN),
    groups: [...(Array.isArray(organizations) ? organizations : [organizations]), 'system:authenticated'],
  };
}
