import { describe, it } from 'vitest';
import { describeAuditTrail } from './audit-trail.suite.js';
import { describeContracts } from './conformance.suite.js';

describeAuditTrail({ describe, it });
describeContracts({ describe, it });
