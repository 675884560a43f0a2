import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { nodeLifecycle, type RelayOptions } from '@relaykit/relay';
import { OrdersService } from './orders.service.ts';
import { type OrderEvent, RelayModule } from './relay.module.ts';

const url = process.env['COLLECTOR_URL'];
const options: RelayOptions<OrderEvent> = {
  directory: process.env['SPOOL'] ?? 'spool',
  ...(url === undefined ? {} : { url }),
  // Once Nest has its shutdown hooks, signals are its own; this is for the time before, for errors that nobody catches, and
  // for process.exit().
  lifecycle: nodeLifecycle(),
};

@Module({ imports: [RelayModule.forRoot(options)], providers: [OrdersService] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
