// Stores 100 events and is gone, with its segment unsealed.
import { createRelay } from '@relaykit/relay';

const relay = createRelay<{ number: number }>({ directory: process.argv[2] ?? '' });
for (let number = 0; number < 100; number += 1) relay.add({ number });
await relay.flush();
process.kill(process.pid, 'SIGKILL');
