import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Relay } from '@relaykit/relay';
import { type OrderEvent, RELAY } from './relay.module.ts';

/** Stands for the work of the service: places orders until it is asked to stop. */
@Injectable()
export class OrdersService implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #relay: Relay<OrderEvent>;
  readonly #stopping = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(@Inject(RELAY) relay: Relay<OrderEvent>) {
    this.#relay = relay;
  }

  onApplicationBootstrap(): void {
    this.#work = this.#placeOrders();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #placeOrders(): Promise<void> {
    for (let order = 0; !this.#stopping.signal.aborted; order += 1) {
      const { status } = await this.#relay.addWhenRoom({ type: 'order-placed', order });
      if (status !== 'added') throw new Error(`order ${order} was not recorded: ${status}`);
      console.log(`placed ${order}`);
      await pause(1);
    }
  }
}
