import assert from 'node:assert/strict';
import { InMemoryDiskWriter, ManualClock, ManualLifecycle, MockDiskWriter } from '@relaykit/testing';
import { AuditTrail } from '../src/audit-trail.js';

export function describeAuditTrail({ describe, it }) {
  describe('AuditTrail', () => {
    it('has an action on record, synced, once it says so', async () => {
      const persistence = new InMemoryDiskWriter();
      const trail = new AuditTrail({ persistence });
      assert.equal(await trail.record('ada', 'signed'), true);
      assert.deepEqual(persistence.events('synced'), [{ who: 'ada', did: 'signed' }]);
      await trail.close();
    });

    it('says so when the disk fails, and records the action later', async () => {
      const persistence = new MockDiskWriter();
      const clock = new ManualClock();
      const trail = new AuditTrail({ persistence, clock });
      persistence.failNext();
      assert.equal(await trail.record('ada', 'signed'), false);
      assert.deepEqual(persistence.events(), []);
      await clock.advanceAsync(1_000);
      assert.deepEqual(persistence.events(), [{ who: 'ada', did: 'signed' }]);
      await trail.close();
    });

    it('takes no more than there is room for while the disk hangs', async () => {
      const persistence = new MockDiskWriter();
      const trail = new AuditTrail({ persistence });
      persistence.hold();
      const taken = ['a', 'b', 'c', 'd'].map((who) => trail.note(who, 'looked'));
      assert.deepEqual(taken, [true, true, true, false]);
      persistence.release();
      const { unpersistedEventCount } = await trail.close();
      assert.equal(unpersistedEventCount, 0);
      assert.equal(persistence.events().length, 3);
    });

    it('stores what it holds when the process ends', async () => {
      const persistence = new MockDiskWriter();
      const lifecycle = new ManualLifecycle();
      const trail = new AuditTrail({ persistence, lifecycle });
      trail.note('ada', 'looked');
      void lifecycle.emit('exit');
      assert.deepEqual(persistence.events(), [{ who: 'ada', did: 'looked' }]);
      await trail.close();
      assert.equal(lifecycle.listenerCount, 0);
    });
  });
}
