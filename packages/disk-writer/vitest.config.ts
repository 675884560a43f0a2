import { packageTests } from '../../tools/vitest.ts';

export default packageTests('disk-writer');
