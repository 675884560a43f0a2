export {
  DEFAULT_CRASH_SEEDS,
  DEFAULT_MAX_OUTCOMES,
  DiskSnapshot,
  type EveryCrashOptions,
  type OutcomeChoice,
} from './disk-snapshot.ts';
export { type SimulatedErrorCode, SimulatedPowerLoss, SimulatedProcessKilled } from './errors.ts';
export type { FailOptions, RandomFault } from './faults.ts';
export type { FilesByPath } from './files-of.ts';
export type { Gate, HoldOptions } from './gates.ts';
export type { DiskOperation, DiskOperationName, Landed, OperationMatch } from './operation.ts';
export { mixSeed, seededRandom } from './random.ts';
export {
  DEFAULT_CAPACITY_BYTES,
  DEFAULT_MAX_ASYNC_TURNS,
  DEFAULT_MAX_OPEN_FILES,
  DEFAULT_SECTOR_BYTES,
  DEFAULT_USER_ID,
  type PlaceOptions,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk.ts';
export { SimulatedProcess } from './simulated-process.ts';
