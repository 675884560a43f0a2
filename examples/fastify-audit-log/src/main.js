import { createServer } from './server.js';

const app = createServer({ directory: process.env.SPOOL ?? 'spool', url: process.env.COLLECTOR_URL });

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    try {
      await app.close(); // no new connections, the last answers, then the audit log
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
    }
  });
}

console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) })}`);
