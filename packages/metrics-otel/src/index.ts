export { type OpenTelemetryOptions, observeWithOpenTelemetry } from './observe-with-open-telemetry.ts';
