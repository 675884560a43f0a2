// No `describe` and no `it` are handed over: the suites find the runner's global ones.
import { describeContracts } from './conformance.suite.js';

describeContracts();
