// A pipe that is full and that nobody reads.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class UnreadPipe implements Disposable {
  readonly fd: number;

  constructor(folder: string) {
    const path = join(folder, 'unread');
    execFileSync('mkfifo', [path]);
    // For reading, too: a pipe without a reader is closed, and not full.
    this.fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const block = Buffer.alloc(4_096);
    try {
      for (;;) writeSync(this.fd, block);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
