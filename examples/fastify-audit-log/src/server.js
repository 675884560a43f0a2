import { createRelay, nodeLifecycle } from '@relaykit/relay';
import Fastify from 'fastify';

/**
 * A service whose answers leave only once the audit events of their request are synced to disk.
 *
 * @param options.directory - The spool.
 * @param options.url - Where audit events are delivered, at any time later; without it they stay in the spool.
 */
export function createServer({ directory, url }) {
  const audit = createRelay({
    directory,
    ...(url === undefined ? {} : { url }),
    // An audit log gives up nothing old to make room: with a full disk requests fail.
    whenFull: 'refuseNew',
    // For what the server cannot foresee: an error that nobody catches, process.exit().
    lifecycle: nodeLifecycle(),
  });
  // Connections that clients keep open hold up the end of the server for that long; Fastify's default is 72 s.
  const app = Fastify({ keepAliveTimeout: 1_000 });

  app.decorateRequest('audited', 0);
  app.decorateRequest('audit', function record(event) {
    const result = audit.add({ at: new Date().toISOString(), requestId: this.id, ...event });
    if (result.status !== 'added') throw unavailable(result.reason);
    this.audited += 1;
  });

  // The promise of this service. Requests that wait at the same time share one write and one sync.
  app.addHook('onSend', async (request) => {
    if (request.audited === 0) return;
    request.audited = 0; // the answer that tells of a failed flush passes here again
    try {
      await audit.flush({ durability: 'synced' });
    } catch (error) {
      throw unavailable(error.code);
    }
  });

  // After the last answer: what is in memory is stored, the segment is sealed, and delivered if that works in time.
  app.addHook('onClose', async () => {
    const { unpersistedEventCount } = await audit.close({ drain: url !== undefined });
    if (unpersistedEventCount > 0) throw new Error(`${unpersistedEventCount} audit events could not be stored`);
  });

  app.post('/transfers/:id', async (request, reply) => {
    request.audit({ type: 'transfer', transfer: request.params.id });
    return reply.code(201).send({ id: request.params.id });
  });
  return app;
}

function unavailable(reason) {
  return Object.assign(new Error(`The audit log cannot store this request: ${reason}`), { statusCode: 503 });
}
