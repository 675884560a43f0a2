#!/usr/bin/env node
// greet NAME...             says hello
// greet consent yes|no      decides about telemetry, what was recorded so far included
import { decide, openTelemetry } from './telemetry.js';

const [command, ...rest] = process.argv.slice(2);
if (command === 'consent') {
  if (rest[0] !== 'yes' && rest[0] !== 'no') {
    console.error('greet consent yes|no');
    process.exit(2);
  }
  await decide(rest[0]);
} else {
  const telemetry = openTelemetry();
  telemetry.add({ type: 'greeted', names: rest.length + 1 });
  if (command === undefined) {
    telemetry.add({ type: 'failed', reason: 'no-name' });
    console.error('greet NAME...');
    process.exit(2); // no close, no wait: the lifecycle stores what was added
  }
  console.log(`Hello, ${[command, ...rest].join(' and ')}!`);
  await telemetry.close();
}
