/**
 * How far events have travelled.
 *
 * - `written`: the operating system has the bytes. They survive the end of the process, however it ends
 *   (a kill included), and not a power cut or a crash of the kernel.
 * - `synced`: the disk has the bytes and the name of the file they are in. They survive a power cut.
 */
export type Durability = 'written' | 'synced';
