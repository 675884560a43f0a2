import { RelayEventBuffer } from '@relaykit/buffer';

/** Says who did what. An action counts as done only once it is on record. */
export class AuditTrail {
  #buffer;

  constructor({ persistence, clock, lifecycle }) {
    this.#buffer = new RelayEventBuffer({ persistence, clock, lifecycle, maxEvents: 3 });
  }

  /** @returns Whether it is on record by now. */
  async record(who, did) {
    const { status } = this.#buffer.add({ who, did });
    if (status !== 'added') return false;
    try {
      await this.#buffer.flush({ durability: 'synced' });
      return true;
    } catch {
      return false;
    }
  }

  /** For what need not be waited for. @returns Whether there was room for it. */
  note(who, did) {
    return this.#buffer.add({ who, did }).status === 'added';
  }

  close() {
    return this.#buffer.close();
  }
}
