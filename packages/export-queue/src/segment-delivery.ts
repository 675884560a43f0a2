import { nextDelayMs } from '@relaykit/retry';
import { hashSource } from '@relaykit/segments';
import {
  type ExportState,
  isRelayError,
  type SegmentInfo,
  type SegmentLease,
  type SegmentName,
  type UploadResult,
} from '@relaykit/types';
import type { BandwidthLimit } from './bandwidth-limit.ts';
import { describeCause } from './describe-cause.ts';
import type { EventHub } from './event-hub.ts';
import type { ExportErrorEvent, UploadedEvent } from './export-events.ts';
import { longestDelayMs, MAX_RETRY_AFTER_MS, type ResolvedExportQueueOptions } from './export-queue-options.ts';
import { clampExportState, MAX_ATTEMPTS_REMEMBERED } from './export-state.ts';
import { REJECTED_REASON } from './rejection-run.ts';
import { segmentContent } from './segment-content.ts';
import type { SteadyTime } from './steady-time.ts';
import { untilAborted } from './until-aborted.ts';

/** How long a segment rests after trouble with its files: a disk recovers in seconds or needs somebody. */
export const TROUBLE_DELAY_MS = 10_000;

/**
 * - `gone`: nothing is left to do. `busy`: another queue has it. `held`: not ready for export.
 * - `waiting`: its next attempt is later. `trouble`: its files could not be read or written. `refused`: the queue is
 *   blocked; the segment stays.
 */
export type DeliveryOutcome =
  | { readonly status: 'delivered'; readonly bytes: number }
  | { readonly status: 'quarantined' }
  | { readonly status: 'retryScheduled' | 'waiting' | 'trouble'; readonly dueAtMs: number }
  | { readonly status: 'gone' | 'busy' | 'held' | 'refused' | 'aborted' };

/** What the queue decides about an answer, before anything is written. */
export interface DeliveryVerdicts {
  /** Whether this rejection may quarantine its segment; `false` where the queue is or becomes blocked. */
  rejected(segment: SegmentInfo, cause: unknown): boolean;
  accepted(): void;
  failed(result: UploadResult & { status: 'retry' }): void;
  blocked(kind: 'uploader' | 'quarantineFull', segment: SegmentInfo, cause: unknown): void;
}

export interface SegmentDeliveryOptions {
  readonly options: ResolvedExportQueueOptions;
  readonly time: SteadyTime;
  readonly events: EventHub;
  readonly verdicts: DeliveryVerdicts;
  readonly bandwidth: BandwidthLimit | undefined;
}

/** Takes one segment from its lease to its outcome. */
export class SegmentDelivery {
  readonly #options: ResolvedExportQueueOptions;
  readonly #time: SteadyTime;
  readonly #events: EventHub;
  readonly #verdicts: DeliveryVerdicts;
  readonly #bandwidth: BandwidthLimit | undefined;
  /** Accepted, and the ledger does not know yet: never sent again by this process. */
  readonly #unrecorded = new Map<string, UploadedEvent>();
  /** Whether the last delivery that was to be archived could not be recorded. */
  #hasArchiveFailed = false;

  constructor({ options, time, events, verdicts, bandwidth }: SegmentDeliveryOptions) {
    this.#options = options;
    this.#time = time;
    this.#events = events;
    this.#verdicts = verdicts;
    this.#bandwidth = bandwidth;
  }

  /** Segments that were accepted and whose outcome the disk did not take so far. */
  get unrecordedCount(): number {
    return this.#unrecorded.size;
  }

  /** Whether one more segment would be sent to be archived where the last one could not. */
  get isArchiveFailing(): boolean {
    return this.#hasArchiveFailed && this.#unrecorded.size > 0;
  }

  /** The names of those segments. */
  get unrecorded(): readonly SegmentName[] {
    return [...this.#unrecorded.values()].map(({ segment }) => segment);
  }

  isUnrecorded(id: string): boolean {
    return this.#unrecorded.has(id);
  }

  /** Never rejects. */
  async deliver(name: SegmentName, signal: AbortSignal): Promise<DeliveryOutcome> {
    let lease: SegmentLease;
    try {
      const attempt = await this.#options.store.lease(name.id);
      if (attempt.status === 'gone') return this.#recordedByOthers(name.id);
      if (attempt.status !== 'leased') return attempt;
      lease = attempt.lease;
    } catch (cause) {
      return this.#trouble('lease', name.id, cause);
    }
    try {
      return await this.#deliverLeased(lease, signal);
    } finally {
      await lease.release().catch((cause: unknown) => this.#report('release', name.id, cause));
    }
  }

  async #deliverLeased(lease: SegmentLease, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { segment } = lease;
    const unrecorded = this.#unrecorded.get(segment.id);
    if (unrecorded !== undefined) return this.#record(lease, unrecorded);
    if (!segment.metadata.exportReady) return { status: 'held' };
    const { bytes } = segment.metadata;
    if (lease.content.sizeBytes !== bytes) {
      const reason = `damaged: ${lease.content.sizeBytes} bytes where its metadata says ${bytes}`;
      return this.#quarantine(lease, reason, undefined);
    }
    const state = await this.#readState(lease);
    if (state.nextAttemptAtMs > this.#time.nowMs()) return { status: 'waiting', dueAtMs: state.nextAttemptAtMs };
    if (signal.aborted) return { status: 'aborted' };
    try {
      // A sealed file never changes again; one that did would be delivered as if it were what was added.
      if ((await hashSource(lease.content)) !== segment.metadata.sha256) {
        return await this.#quarantine(lease, 'damaged: its SHA-256 is not that of its metadata', undefined);
      }
    } catch (cause) {
      return this.#trouble('verify', segment.id, cause);
    }
    return this.#attempt(lease, state, signal);
  }

  async #attempt(lease: SegmentLease, state: ExportState, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { segment } = lease;
    const startedAtMs = this.#time.nowMs();
    const result = await this.#upload(lease, signal);
    switch (result.status) {
      case 'aborted':
        return { status: 'aborted' };
      case 'accepted': {
        this.#verdicts.accepted();
        const durationMs = this.#time.nowMs() - startedAtMs;
        const { bytes } = segment.metadata;
        return this.#record(lease, {
          segment,
          bytes,
          durationMs,
          attempts: state.attempts + 1,
          receipt: result.receipt,
        });
      }
      case 'rejected':
        if (!this.#verdicts.rejected(segment, result.cause)) return { status: 'refused' };
        return this.#quarantine(lease, `${REJECTED_REASON}${describeCause(result.cause)}`, result.cause);
      case 'blocked':
        this.#verdicts.blocked('uploader', segment, result.cause);
        return { status: 'refused' };
      case 'retry':
        this.#verdicts.failed(result);
        return this.#scheduleRetry(lease, state, result, startedAtMs);
    }
  }

  async #upload(lease: SegmentLease, signal: AbortSignal): Promise<UploadResult | { status: 'aborted' }> {
    const { segment, content } = lease;
    const bandwidth = this.#bandwidth;
    const leased = {
      info: segment,
      idempotencyKey: segment.id,
      sizeBytes: content.sizeBytes,
      stream: () => segmentContent({ segmentId: segment.id, content, bandwidth, signal }),
    };
    try {
      const upload = this.#options.uploader.upload(leased, { signal });
      return checkedResult(await untilAborted(upload, signal));
    } catch (cause) {
      return signal.aborted ? { status: 'aborted' } : { status: 'retry', cause };
    }
  }

  /** Writes the outcome of an accepted segment. Until that succeeds the receipt is kept, so that it is not sent again. */
  async #record(lease: SegmentLease, uploaded: UploadedEvent): Promise<DeliveryOutcome> {
    const { receipt, segment } = uploaded;
    const { afterDelivery } = this.#options;
    this.#unrecorded.set(segment.id, uploaded);
    try {
      await lease.settle(
        { status: 'delivered', ...(receipt === undefined ? {} : { receipt }) },
        afterDelivery === undefined ? {} : { afterDelivery },
      );
    } catch (cause) {
      this.#hasArchiveFailed = afterDelivery !== undefined && afterDelivery !== 'delete';
      return this.#trouble('settle', segment.id, cause);
    }
    this.#hasArchiveFailed = false;
    return this.#recorded(uploaded);
  }

  /** Recovery or another process finished what this one could not write: it was delivered here all the same. */
  #recordedByOthers(id: string): DeliveryOutcome {
    const uploaded = this.#unrecorded.get(id);
    return uploaded === undefined ? { status: 'gone' } : this.#recorded(uploaded);
  }

  #recorded(uploaded: UploadedEvent): DeliveryOutcome {
    const { segment, bytes } = uploaded;
    this.#unrecorded.delete(segment.id);
    this.#options.logger?.debug('A segment was delivered', { segmentId: segment.id, bytes });
    this.#events.emit('uploaded', uploaded);
    return { status: 'delivered', bytes };
  }

  async #quarantine(lease: SegmentLease, reason: string, cause: unknown): Promise<DeliveryOutcome> {
    const { segment } = lease;
    try {
      await lease.settle({ status: 'quarantined', reason });
    } catch (failure) {
      if (isRelayError(failure, 'RELAY_QUARANTINE_FULL')) {
        this.#verdicts.blocked('quarantineFull', segment, failure);
        return { status: 'refused' };
      }
      return this.#trouble('settle', segment.id, failure);
    }
    this.#options.logger?.warn('A segment was put in quarantine', { segmentId: segment.id, reason });
    this.#events.emit('quarantined', { segment, reason, cause });
    return { status: 'quarantined' };
  }

  async #scheduleRetry(
    lease: SegmentLease,
    state: ExportState,
    { retryAfterMs, cause }: UploadResult & { status: 'retry' },
    startedAtMs: number,
  ): Promise<DeliveryOutcome> {
    const { segment } = lease;
    const nowMs = this.#time.nowMs();
    const attempts = Math.min(MAX_ATTEMPTS_REMEMBERED, state.attempts + 1);
    const firstFailureAtMs = state.attempts === 0 ? nowMs : state.firstFailureAtMs;
    const lastError = describeCause(cause);
    const elapsedMs = nowMs - (state.attempts === 0 ? startedAtMs : firstFailureAtMs);
    if (nowMs - firstFailureAtMs > this.#options.maxRetryAgeMs) {
      const reason = `failing for longer than ${this.#options.maxRetryAgeMs} ms, ${attempts} attempts: ${lastError}`;
      return this.#quarantine(lease, reason, cause);
    }
    const policyDelayMs = this.#policyDelayMs({ attempts, elapsedMs, cause }, segment.id);
    if (policyDelayMs === undefined) {
      return this.#quarantine(lease, `given up after ${attempts} attempts: ${lastError}`, cause);
    }
    const delayMs = Math.ceil(Math.max(policyDelayMs, clampRetryAfterMs(retryAfterMs) ?? 0));
    const nextAttemptAtMs = nowMs + delayMs;
    try {
      await lease.writeState({ attempts, firstFailureAtMs, nextAttemptAtMs, lastError });
    } catch (failure) {
      // The wait is kept in memory all the same.
      this.#report('writeState', segment.id, failure);
    }
    const { logger } = this.#options;
    logger?.info('An upload failed and will be tried again', { segmentId: segment.id, attempts, delayMs, lastError });
    this.#events.emit('retryScheduled', { segment, attempts, delayMs, nextAttemptAtMs, cause });
    return { status: 'retryScheduled', dueAtMs: nextAttemptAtMs };
  }

  #policyDelayMs(failure: Parameters<typeof nextDelayMs>[1], segmentId: string): number | undefined {
    const { retry, random } = this.#options;
    try {
      return nextDelayMs(retry, failure, random);
    } catch (cause) {
      // A policy that fails must not lose a segment, and not hammer the receiver either.
      this.#report('retryPolicy', segmentId, cause);
      return MAX_RETRY_AFTER_MS;
    }
  }

  async #readState(lease: SegmentLease): Promise<ExportState> {
    const { id, createdAtMs } = lease.segment;
    const { retry } = this.#options;
    let state: ExportState | undefined;
    try {
      state = await lease.readState();
    } catch (cause) {
      this.#report('readState', id, cause);
    }
    return clampExportState(state, {
      nowMs: this.#time.nowMs(),
      createdAtMs,
      maxDelayMs: longestDelayMs(retry),
      maxAttempts: retry.kind === 'exponentialBackoff' ? retry.maxAttempts : Number.POSITIVE_INFINITY,
    });
  }

  #trouble(operation: ExportErrorEvent['operation'], segmentId: string, cause: unknown): DeliveryOutcome {
    this.#report(operation, segmentId, cause);
    return { status: 'trouble', dueAtMs: this.#time.nowMs() + TROUBLE_DELAY_MS };
  }

  #report(operation: ExportErrorEvent['operation'], segmentId: string, cause: unknown): void {
    const facts = { operation, segmentId, cause: describeCause(cause) };
    this.#options.logger?.error('The export queue has trouble with a segment', facts);
    this.#events.emit('error', { operation, segmentId, cause });
  }
}

/** What a receiver may ask for: from 0 to `MAX_RETRY_AFTER_MS`; anything that is no number counts as nothing asked. */
export function clampRetryAfterMs(retryAfterMs: number | undefined): number | undefined {
  if (typeof retryAfterMs !== 'number' || Number.isNaN(retryAfterMs)) return undefined;
  return Math.min(Math.max(retryAfterMs, 0), MAX_RETRY_AFTER_MS);
}

function checkedResult(result: UploadResult): UploadResult {
  const known = ['accepted', 'retry', 'rejected', 'blocked'];
  if (typeof result === 'object' && result !== null && known.includes(result.status)) return result;
  // Nothing may be deleted on an answer that nobody understands.
  throw new TypeError(`upload() must resolve with a status of ${known.join(', ')}`);
}
