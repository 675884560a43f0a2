export { type PrometheusOptions, prometheusNameOf, registerWithPrometheus } from './register-with-prometheus.ts';
