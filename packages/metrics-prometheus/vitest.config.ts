import { packageTests } from '../../tools/vitest.ts';

// As Node resolves: what @opentelemetry/api has under `module` is for bundlers and does not load in Node.
const conditions = ['@relaykit/source', 'node', 'development|production'];

export default { ...packageTests('metrics-prometheus'), resolve: { conditions }, ssr: { resolve: { conditions } } };
