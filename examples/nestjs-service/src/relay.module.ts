import { type DynamicModule, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { createRelay, type Relay, type RelayOptions } from '@relaykit/relay';

/** Events of this service: what may stand in the log. */
export interface OrderEvent {
  readonly type: 'order-placed';
  readonly order: number;
}

export const RELAY = Symbol('relay');

/** Makes one relay for the application, and closes it after everything that may still add events. */
@Module({})
export class RelayModule implements OnApplicationShutdown {
  readonly #relay: Relay<OrderEvent>;
  readonly #logger = new Logger('Relay');

  constructor(@Inject(RELAY) relay: Relay<OrderEvent>) {
    this.#relay = relay;
  }

  static forRoot(options: RelayOptions<OrderEvent>): DynamicModule {
    const provider = { provide: RELAY, useFactory: () => createRelay<OrderEvent>(options) };
    return { module: RelayModule, global: true, providers: [provider], exports: [RELAY] };
  }

  /** The last of Nest's hooks: onModuleDestroy and beforeApplicationShutdown of all others are over. */
  async onApplicationShutdown(): Promise<void> {
    const drain = this.#relay.queue !== undefined;
    const { unpersistedEventCount, errors } = await this.#relay.close({ drain });
    if (unpersistedEventCount > 0) this.#logger.error(`${unpersistedEventCount} events are lost`, errors);
  }
}
