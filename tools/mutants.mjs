// Mistakes that a test has to notice. Each one is a small change of one file; `tools/mutants-run.mjs` makes it in a copy
// of the packages and requires the named test to fail.

const crash = (scenario) => ({
  project: 'disk-writer',
  file: 'test/crash/crash.test.ts',
  name: `keeps every promise: ${scenario}`,
});
const queueCrash = (scenario) => ({
  project: 'export-queue',
  file: 'test/crash/crash.test.ts',
  name: `keeps every promise of the queue: ${scenario}`,
});
const test = (project, file, name) => ({ project, file: `test/${file}.test.ts`, name });

const ACTIVE = 'packages/segments/src/active-segment-file.ts';
const ATOMIC_FILE = 'packages/segments/src/atomic-file.ts';
const COMMITS = 'packages/disk-writer/src/commit-queue.ts';
const EXCLUSIVE = 'packages/segments/src/exclusive-file.ts';
const HELD = 'packages/segments/src/held-segments.ts';
const LEDGER = 'packages/segments/src/ledger.ts';
const QUARANTINE = 'packages/segments/src/quarantine.ts';
const QUARANTINE_FILES = 'packages/segments/src/quarantine-files.ts';
const RECOVERY = 'packages/segments/src/recovery.ts';
const REMOVAL = 'packages/segments/src/removal.ts';
const ROLL = 'packages/disk-writer/src/segment-roll.ts';
const SALVAGE = 'packages/segments/src/salvage.ts';
const SEAL = 'packages/disk-writer/src/seal-job.ts';
const UNSEALED = 'packages/segments/src/recover-unsealed.ts';

export const mutants = [
  // Writing and sealing
  {
    mistake: 'drop the data sync',
    file: ACTIVE,
    from: `      await this.#syncData();
      this.#synced = mark;`,
    to: '      this.#synced = mark;',
    test: crash('append'),
  },
  {
    mistake: 'drop the directory sync after a file is created',
    file: ACTIVE,
    from: `      await this.#spool.fileSystem.syncDirectory(this.#spool.directory);
      this.#isNameSynced = true;`,
    to: '      this.#isNameSynced = true;',
    test: crash('append'),
  },
  {
    mistake: 'drop the directory sync at the seal',
    file: ACTIVE,
    from: `if (fileSystem.statSync(this.path)) await this.#renameTo(sealed);
    await fileSystem.syncDirectory(directory);`,
    to: 'if (fileSystem.statSync(this.path)) await this.#renameTo(sealed);',
    test: test('segments', 'active-segment-file', 'goes on where the last directory sync failed'),
  },
  {
    mistake: 'rename metadata before it is synced',
    file: ATOMIC_FILE,
    from: `    handle.writeSync(bytes, 0);
    await handle.syncData();`,
    to: '    handle.writeSync(bytes, 0);',
    test: crash('append'),
  },
  {
    mistake: 'rename the segment before the name of its metadata is durable',
    file: ATOMIC_FILE,
    from: `  await fileSystem.rename(temporary, path);
  await fileSystem.syncDirectory(dirname(path));`,
    to: '  await fileSystem.rename(temporary, path);',
    test: crash('append'),
  },
  {
    mistake: 'seal without metadata',
    file: ACTIVE,
    from: '    await writeFileAtomic(fileSystem, this.#spool.pathOf(metadataFileName(this.id)), encodeMetadata(this.#metadata));',
    to: '',
    test: crash('append'),
  },
  {
    mistake: 'release the lock before the seal is done',
    file: ACTIVE,
    from: '    const sealed = this.#spool.pathOf(sealedFileName(this.id, this.#format.fileExtension));\n    // After a failed',
    to: '    await this.#handle.close();\n    const sealed = this.#spool.pathOf(sealedFileName(this.id, this.#format.fileExtension));\n    // After a failed',
    test: crash('append'),
  },
  {
    mistake: 'acknowledge before the write',
    file: COMMITS,
    from: '    const marks = segment ? await this.#write(opened, segment, group) : [];',
    to: `    for (const commit of group) this.#acknowledge(commit, 'written');
    const marks = segment ? await this.#write(opened, segment, group) : [];`,
    test: crash('append'),
  },
  {
    mistake: 'acknowledge before the sync',
    file: COMMITS,
    from: '    if (waiting.length > 0) await this.#syncGroup(',
    to: `    for (const commit of waiting) this.#acknowledge(commit, 'synced');
    if (waiting.length > 0) await this.#syncGroup(`,
    test: crash('append'),
  },
  {
    mistake: 'acknowledge a synced batch while an earlier segment is not durable',
    file: COMMITS,
    from: '      await sealer.whenDurable();',
    to: '',
    test: test('disk-writer', 'crash/covered-by-sync', 'waits for the segments before'),
  },
  {
    mistake: 'number the next segment before the exit path has taken its numbers',
    file: ROLL,
    from: '      return this.activeFor(beginning()) ?? this.createSync(beginning());',
    to: '      return this.createSync(beginning());',
    test: test('disk-writer', 'crash/exit-anytime', 'stores everything once, whatever is under way'),
  },
  {
    mistake: 'store again at exit what its caller is about to hear of',
    file: 'packages/disk-writer/src/file-disk-writer.ts',
    from: '    if (known?.settledReceipt) return known.settledReceipt;',
    to: '',
    test: crash('exit'),
  },
  {
    mistake: 'write metadata at exit before the name of its file is durable',
    file: ACTIVE,
    from: '      fileSystem.syncDirectorySync(directory);\n      this.#isNameSynced = true;',
    to: '      this.#isNameSynced = true;',
    test: test(
      'segments',
      'active-segment-file',
      'before it returns makes the name of the file durable ahead of its metadata',
    ),
  },

  // Disks that fail
  {
    mistake: 'retry a failed sync on the same handle',
    file: SEAL,
    from: '          this.#refusal = error;\n        }\n      });',
    to: '          throw error;\n        }\n      });',
    test: crash('failing sync'),
  },
  {
    mistake: 'believe a sync beside one that fails',
    file: ACTIVE,
    from: '    if (this.#dataSyncs > 0) return;',
    to: '',
    test: test('segments', 'active-segment-file', 'prove nothing where the one that began first fails'),
  },
  {
    mistake: 'go on with a file whose sync failed',
    file: COMMITS,
    from: "        return toStorageError(error, { operation: 'sync', path });",
    to: '        throw error;',
    test: crash('failing sync'),
  },
  {
    mistake: 'write the successor before the metadata of the failed file',
    file: 'packages/segments/src/unsynced-move.ts',
    from: '    await writeMetadata(this.#spool, this.#plan.metadata);\n',
    to: '',
    test: crash('failing sync'),
  },
  {
    mistake: 'take over metadata before the file that it describes is durable',
    file: SALVAGE,
    from: `    // Metadata without its file would count as a segment that went missing.
    await spool.fileSystem.syncDirectory(spool.directory);`,
    to: '',
    test: crash('failing'),
  },
  {
    mistake: 'remove a stale salvage before its metadata is surely gone',
    file: SALVAGE,
    from: `  await removeCompanions(spool, id);
  await spool.fileSystem.syncDirectory(spool.directory);`,
    to: '  await removeCompanions(spool, id);',
    test: crash('failing'),
  },
  {
    mistake: 'make a salvage anew that metadata on the disk may name',
    file: 'packages/segments/src/unsynced-move.ts',
    from: '    this.#plan ??= await this.#prepare();',
    to: '    this.#plan = await this.#prepare();',
    test: test('segments', 'unsynced-move', 'keeps each event, cut off at any step after a commit that failed'),
  },
  {
    mistake: 'cut a file where metadata says though its end is nowhere else',
    file: UNSEALED,
    from: '      if (await hasSuccessor(spool, file, metadata)) return',
    to: '      return',
    test: test('segments', 'recover-unsealed', 'is not believed where the segment that took over is nowhere'),
  },
  {
    mistake: 'remove the metadata of an emptied file before the file is surely gone',
    file: REMOVAL,
    from: `  await spool.fileSystem.remove(path);
  await spool.fileSystem.syncDirectory(spool.directory);`,
    to: '  await spool.fileSystem.remove(path);',
    test: crash('failing sync'),
  },
  {
    mistake: 'remove the metadata of an emptied file that another process may not have removed for good',
    file: RECOVERY,
    from: `    await spool.fileSystem.syncDirectory(spool.directory);
    return removeCompanions(spool, id);`,
    to: '    return removeCompanions(spool, id);',
    test: test('segments', 'recovery', 'of an emptied file goes after the file, which may still come back'),
  },
  {
    mistake: 'write elsewhere what a cut removed, before the cut is durable',
    file: ACTIVE,
    from: '    return this.#hasRemains || this.#syncedCuts < this.#cuts;',
    to: '    return false;',
    test: test('disk-writer', 'crash/refused-write', 'is found once, where it was sent again'),
  },
  {
    mistake: 'leave the bytes of a failed write behind the end',
    file: ACTIVE,
    from: '    this.#handle.truncateSync(this.#end.sizeBytes);\n',
    to: '',
    test: crash('failing'),
  },

  // Recovery
  {
    mistake: 'cut one byte too few',
    file: UNSEALED,
    from: '  if (scan.tornTailBytes > 0) await handle.truncate(endBytes);',
    to: '  if (scan.tornTailBytes > 0) await handle.truncate(endBytes + 1);',
    test: crash('append'),
  },
  {
    mistake: 'keep a part of what was to be whole',
    file: UNSEALED,
    from: "    if (file.kind === 'atomic') return await removeFile(unsealed);\n",
    to: '',
    test: crash('atomic'),
  },
  {
    mistake: 'trust what a dead writer left in memory',
    file: UNSEALED,
    from: '    handle.writeSync(piece, position);\n',
    to: '',
    test: crash('failing sync'),
  },
  {
    mistake: 'seal what a dead writer left without a sync',
    file: UNSEALED,
    from: '  await handle.syncData();\n',
    to: '',
    test: crash('append'),
  },
  {
    mistake: 'finish a seal before the name of its metadata is durable',
    file: UNSEALED,
    from: `  // Its writer may have died before the metadata's name was durable, and the final name must not outlive it.
  await spool.fileSystem.syncDirectory(spool.directory);`,
    to: '',
    test: crash('together'),
  },
  {
    mistake: 'truncate a removed file before its new name is durable, in recovery',
    file: RECOVERY,
    from: `    // Whoever renamed it may have died before the name was durable: content must not go before that.
    await spool.fileSystem.syncDirectory(spool.directory);`,
    to: '',
    test: crash('together'),
  },
  {
    mistake: 'take a half-written identity for a damaged one',
    file: 'packages/segments/src/spool-identity.ts',
    from: " || text.includes('\\0')",
    to: '',
    test: test('disk-writer', 'crash/small-files', 'founds a spool again where a power cut tore its identity'),
  },
  {
    mistake: 'leave temporary files behind',
    file: 'packages/segments/src/leftovers.ts',
    from: "      if (file.kind === 'temporary') await removeUnguarded(spool, guards, file.fileName);\n",
    to: '',
    test: crash('together'),
  },

  // Locks
  {
    mistake: 'lock without comparing the inode',
    file: EXCLUSIVE,
    from: '  return held.linkCount > 0 && named.device === held.device && named.inode === held.inode;',
    to: '  return true;',
    test: test('segments', 'exclusive-file', 'is too late where a rival put another file in its place'),
  },
  {
    mistake: 'write without a lock',
    file: 'packages/segments/src/segment-creation.ts',
    from: 'isOurs = handle.tryLock() && isNamed(',
    to: 'isOurs = isNamed(',
    test: crash('append'),
  },
  {
    mistake: 'recover the file of a living writer',
    file: EXCLUSIVE,
    from: '    if (!handle.tryLock()) {',
    to: '    if (!handle.tryLock() && false) {',
    test: crash('together'),
  },

  // Ledger and removal
  {
    mistake: 'remove before it is recorded',
    file: REMOVAL,
    from: `  await record(toLedgerRecord(spool, metadata, outcome));
  await removeCompanions(spool, metadata.id);`,
    to: `  await removeCompanions(spool, metadata.id);
  await spool.fileSystem.remove(spool.pathOf(fileName));
  await record(toLedgerRecord(spool, metadata, outcome));`,
    test: crash('together'),
  },
  {
    mistake: 'truncate a removed file before its new name is durable',
    file: REMOVAL,
    from: `    await spool.fileSystem.syncDirectory(spool.directory);
    await empty(`,
    to: '    await empty(',
    test: crash('together'),
  },
  {
    mistake: 'move to quarantine before it is recorded',
    file: REMOVAL,
    from: `  await spool.ledger.record({ ...toLedgerRecord(spool, metadata, { status: 'quarantined', reason }), ...claim });
  await moveToQuarantine(spool, metadata.id, fileName);`,
    to: `  await moveToQuarantine(spool, metadata.id, fileName);
  await spool.ledger.record({ ...toLedgerRecord(spool, metadata, { status: 'quarantined', reason }), ...claim });`,
    test: crash('together'),
  },
  {
    mistake: 'record without a sync',
    file: LEDGER,
    from: '      handle.writeSync(line, position);\n      await handle.syncData();',
    to: '      handle.writeSync(line, position);',
    test: crash('together'),
  },
  {
    mistake: 'record in a ledger whose name is not durable',
    file: LEDGER,
    from: `    await this.#fileSystem.syncDirectory(this.#directory);
    this.#namedFile = this.#readFile;`,
    to: '    this.#namedFile = this.#readFile;',
    test: crash('together'),
  },
  {
    mistake: 'rely on a record that its writer did not live to sync',
    file: LEDGER,
    from: '      if ((!record && !this.#content.requeued.has(id)) || isDurable) return record;',
    to: '      return record;',
    test: test('segments', 'ledger', 'of another process is durable before anybody relies on it, found or recorded'),
  },
  {
    mistake: 'trust a record that its writer could not sync',
    file: LEDGER,
    from: '    handle.writeSync(await handle.read(from, this.#readBytes - from), from);',
    to: '',
    test: test('disk-writer', 'crash/small-files', 'makes a record durable whose writer died when its sync had failed'),
  },
  {
    mistake: 'record a segment twice',
    file: LEDGER,
    from: '    if (isNew) await this.#append(handle, record);',
    to: '    await this.#append(handle, record);',
    test: test('segments', 'ledger', 'that is there already counts, whoever made it'),
  },
  {
    mistake: 'write a record where the disk may still hold the rest of another',
    file: LEDGER,
    from: '    if (this.#mayHoldRest) await handle.syncData();',
    to: '',
    test: test(
      'disk-writer',
      'crash/small-files',
      'holds no record that nobody made, whatever stood in its place in the ledger',
    ),
  },
  {
    mistake: 'fold a record before the file is unlinked',
    file: LEDGER,
    from: '        if (!parts || left.has(id)) return false;',
    to: '        if (!parts) return false;',
    test: crash('folding'),
  },
  {
    mistake: 'fold a record before the removal of its file is durable',
    file: LEDGER,
    from: `    await this.#fileSystem.syncDirectory(this.#directory);
    const quarantine`,
    to: '    const quarantine',
    test: crash('folding'),
  },

  // Holds and quarantine
  {
    mistake: 'make ready what a dead writer was to hold',
    file: UNSEALED,
    from: '    ...exportHold(file.isHeld ?? false),',
    to: '    ...exportHold(false),',
    test: test('segments', 'held-segments', 'says so by its name while it is written, so that recovery holds it, too'),
  },
  {
    mistake: 'make ready what was moved after a failed sync',
    file: 'packages/segments/src/unsynced-move.ts',
    from: "{ sealReason: 'failure', ...segment.hold }",
    to: "{ sealReason: 'failure', exportReady: true }",
    test: test('disk-writer', 'hold-export', 'holds the segment that takes over after a failed sync'),
  },
  {
    mistake: 'write a held event behind others',
    file: COMMITS,
    from: '      if (eventCount > 0 && segment && commit.isHeld !== segment.isHeld) break;\n',
    to: '',
    test: test(
      'disk-writer',
      'hold-export',
      'keeps events of both kinds apart, in the order of the calls, also of calls under way at once',
    ),
  },
  {
    mistake: 'release what was decided about meanwhile',
    file: HELD,
    from: '        if (!metadata || (await spool.ledger.findDurable(segment.id))) continue;',
    to: '        if (!metadata) continue;',
    test: test('segments', 'held-segments', 'leaves to recovery what a quarantine was cut off at'),
  },
  {
    mistake: 'take one segment too many into quarantine',
    file: QUARANTINE,
    from: 'used.segments < maxSegments',
    to: 'used.segments <= maxSegments',
    test: test('export-queue', 'quarantine-bounds', 'blocks the queue where it is full, until there is room again'),
  },
  {
    mistake: 'take back the record of a segment before it left quarantine',
    file: QUARANTINE,
    from: `        await this.#moveBack(file);
        await ledger.requeue(id);`,
    to: `        await ledger.requeue(id);
        await this.#moveBack(file);`,
    test: queueCrash('quarantine'),
  },
  {
    mistake: 'take back a record before the move out of quarantine is durable',
    file: QUARANTINE,
    from: `    await fileSystem.syncDirectory(spool.directory);
    await fileSystem.syncDirectory(join(spool.directory, QUARANTINE_DIRECTORY));`,
    to: '',
    test: queueCrash('quarantine'),
  },
  {
    mistake: 'rely on a return from quarantine that its writer did not live to sync',
    file: LEDGER,
    from: 'if ((!record && !this.#content.requeued.has(id)) || isDurable) return record;',
    to: 'if (!record || isDurable) return record;',
    test: test(
      'segments',
      'quarantine',
      'of a process that was killed before its sync is durable before anybody relies on it',
    ),
  },
  {
    mistake: 'empty a file in quarantine before its new name is durable',
    file: QUARANTINE_FILES,
    from: '  await fileSystem.syncDirectory(quarantine);\n  await fileSystem.syncDirectory(directory);\n',
    to: '',
    test: queueCrash('quarantine'),
  },
  {
    mistake: 'remove a file from quarantine before it is recorded',
    file: QUARANTINE_FILES,
    from: `    await handle.truncate(0);
    await record(`,
    to: `    await handle.truncate(0);
    await fileSystem.remove(join(quarantine, fileName));
    await record(`,
    test: queueCrash('full quarantine'),
  },
  {
    mistake: 'leave metadata in quarantine that a power cut brought back',
    file: QUARANTINE_FILES,
    from: "      if (kind === 'metadata' && !withFile.has(segment.id)) await removeAfterDiscard(spool, segment.id);\n",
    to: '',
    test: queueCrash('full quarantine'),
  },
  {
    mistake: 'forget at a discard what the record of the quarantine had counted',
    file: 'packages/segments/src/ledger-record.ts',
    from: "(record.from === 'quarantine' && known.outcome === 'quarantined')",
    to: 'false',
    test: queueCrash('quarantine'),
  },

  // Rotation, retention and retry
  {
    mistake: 'give another segment up while the loss of one cannot be recorded',
    file: 'packages/segments/src/retention-keeper.ts',
    from: '(dropper.hasBegun && !dropper.isShortOfRoom)',
    to: 'false',
    test: test(
      'segments',
      'retention-keeper',
      'holds up all others while its loss cannot be recorded, on a full disk too',
    ),
  },
  {
    mistake: 'count a removed file twice',
    file: 'packages/segments/src/segment-index.ts',
    from: '    if (!segment) return;\n    this.#byId.delete(id);\n    this.#totalBytes -= segment.sizeBytes;',
    to: '    if (!segment) return;\n    this.#byId.delete(id);\n    this.#totalBytes -= 2 * segment.sizeBytes;',
    test: test('segments', 'segment-index', 'keeps sums, and counts a segment once'),
  },
  {
    mistake: 'give up one file too many',
    file: 'packages/rotation/src/retain-file-count.ts',
    from: 'spool.fileCount - maxFiles;',
    to: 'spool.fileCount - maxFiles + 1;',
    test: test('rotation', 'retention', 'gives up the oldest beyond the limit, and looks no further'),
  },
  {
    mistake: 'let a batch exceed the limit of a segment',
    file: 'packages/rotation/src/rotate-by-bytes.ts',
    from: 'sizeBytes + (incoming?.sizeBytes ?? 0) > maxBytes',
    to: 'sizeBytes > maxBytes',
    test: test('rotation', 'rotation', 'keeps every segment within the limit, unless one batch alone exceeds it'),
  },
  {
    mistake: 'rotate by age only when an event arrives',
    file: 'packages/rotation/src/rotate-by-age.ts',
    from: '      return eventCount > 0 ? Math.max(0, Math.ceil(maxAgeMs - ageMs)) : undefined;',
    to: '      return eventCount > 0 && maxAgeMs < ageMs ? 0 : undefined;',
    test: test('rotation', 'rotation', 'ends a segment on time though no event arrives and the wall clock leaps'),
  },
  {
    mistake: 'make one attempt too many',
    file: 'packages/retry/src/next-delay.ts',
    from: '  if (attempts >= maxAttempts) return undefined;',
    to: '  if (attempts > maxAttempts) return undefined;',
    test: test(
      'retry',
      'next-delay',
      'doubles from the initial delay to the longest, and gives up with the last attempt',
    ),
  },
  {
    mistake: 'retry what cannot help',
    file: 'packages/retry/src/retry.ts',
    from: '    delayMs = mayHelp ? nextDelayMs(policy, failure, random) : undefined;',
    to: '    delayMs = nextDelayMs(policy, failure, random);',
    test: test('retry', 'retry', 'comes at once where another attempt cannot help'),
  },
  {
    mistake: 'take a copy for the segment that it stands beside',
    file: 'packages/segments/src/list-spool-files.ts',
    from: '    return await withoutCopies(spool.fileSystem, spool.directory, files);',
    to: '    return files;',
    test: test('segments', 'segment-copies', 'beside a sealed segment is not delivered in its place'),
  },
  {
    mistake: 'cut an unfinished file where the metadata of another says',
    file: UNSEALED,
    from: `    if (metadata && !isOf(metadata, file.segment)) return leaveWaiting(unsealed, 'its metadata is of another file');
`,
    to: '',
    test: test('segments', 'segment-copies', 'metadata of another file does not cut an unfinished one'),
  },
  {
    mistake: 'give a file up for one error of the disk',
    file: UNSEALED,
    from: '    if (!spool.unreadable.note(file.fileName, error)) throw error;',
    to: '    spool.unreadable.note(file.fileName, error);',
    test: test('segments', 'recover-unsealed', 'is recovered by the next look, whatever error it was'),
  },
  {
    mistake: 'take a segment for missing that one listing did not name',
    file: RECOVERY,
    from: 'looks < 2 && left.length > 0',
    to: 'looks < 0 && left.length > 0',
    test: test(
      'segments',
      'recovery',
      'is not missing where one or two listings fell into its renames, on its way out',
    ),
  },
  {
    mistake: 'let a segment take over from itself',
    file: SALVAGE,
    from: 'parts.createdAtMs < LAST_NAMEABLE_MS ? 1 : -1',
    to: 'parts.createdAtMs < LAST_NAMEABLE_MS ? 1 : 0',
    test: test('segments', 'unsynced-move', 'moves to another name at the last moment that a name can tell, too'),
  },
  {
    mistake: 'remove the salvage that a sealed segment goes on in',
    file: 'packages/segments/src/leftovers.ts',
    from: '(await readMetadata(spool, guard.segment.id))?.continuedIn === segment.id',
    to: "guard.kind !== 'sealed'",
    test: test('segments', 'leftovers', 'are none where the sealed segment goes on in the salvage: that is published'),
  },
  {
    mistake: 'sweep an archive that is a spool',
    file: 'packages/segments/src/archive-sweep.ts',
    from: `    assertArchiveApartSync(fileSystem, this.#spool.directory, directory);
`,
    to: '',
    test: test('segments', 'archive-sweep', 'what was never delivered is not swept, and nothing is archived there'),
  },
  {
    mistake: 'sweep what another spool has archived',
    file: 'packages/segments/src/archive-sweep.ts',
    from: 'metadata?.spoolId !== this.#spool.spoolId ||',
    to: 'metadata === undefined ||',
    test: test('segments', 'archive-sweep', 'spools that share an archive sweep each its own'),
  },
  {
    mistake: 'send metadata to quarantine without the lock on its segment',
    file: RECOVERY,
    from: '  const ownership = await takeOwnership(spool.fileSystem, path);',
    to: "  const ownership = { status: 'owned', handle: { close: () => undefined } } as const;",
    test: test(
      'segments',
      'quarantine-beside-recovery',
      'metadata on its way to quarantine is left to whoever moves it',
    ),
  },
  {
    mistake: 'decide about held segments beside another decision',
    file: HELD,
    from: '    return await decideAboutAll(spool, heldReason, decide);',
    to: `    await lock.close();
    return await decideAboutAll(spool, heldReason, decide);`,
    test: test('segments', 'held-segments', 'two decisions at once, of two processes: one has it all'),
  },
  {
    mistake: 'give held segments up without those of dead writers',
    file: 'packages/segments/src/segment-store.ts',
    from: `    await this.recover();
    return discardHeld`,
    to: '    return discardHeld',
    test: test(
      'segments',
      'held-segments',
      'decides about what dead writers left, and counts what living ones have open',
    ),
  },
  {
    mistake: 'send before it is known that the archive can be written',
    file: 'packages/export-queue/src/disk-export-queue.ts',
    from: "return name !== undefined && (await this.#archiveCheck.isInTheWay()) ? 'storage' : undefined;",
    to: 'return undefined;',
    test: test('export-queue', 'disk-export-queue', 'sends nothing before it knows that it can be archived'),
  },
  {
    mistake: 'send on where a segment could not be archived',
    file: 'packages/export-queue/src/disk-export-queue.ts',
    from: `    if (this.#delivery.isArchiveFailing) return 'storage';
`,
    to: '',
    test: test(
      'export-queue',
      'disk-export-queue',
      'sends nothing more once a segment could not be archived, until it can',
    ),
  },
  {
    mistake: 'let go of a refused file before its batches are written anew',
    file: 'packages/disk-writer/src/commit-queue.ts',
    from: 'await Promise.all([sealer.takeFailed(segment), keeper.makeRoomFor(refusal)]);',
    to: `await keeper.makeRoomFor(refusal);
      await sealer.takeFailed(segment);`,
    test: test('disk-writer', 'file-disk-writer-exit', 'leaves every batch in one place, whenever the process ends'),
  },
  {
    mistake: 'forget what a damaged segment had claimed to hold',
    file: 'packages/segments/src/repair-sealed.ts',
    from: "await quarantineSegment(spool, damaged, 'damaged', { claimedEvents });",
    to: "await quarantineSegment(spool, damaged, 'damaged');",
    test: test('segments', 'repair-sealed', 'keeps what is whole, once, when the power fails at any step'),
  },
  {
    mistake: 'forget at a discard what the damaged segment had claimed',
    file: QUARANTINE_FILES,
    from: "...claim, from: 'quarantine'",
    to: "from: 'quarantine'",
    test: test('segments', 'repair-sealed', 'counts them as lost still once the segment is discarded'),
  },
  {
    mistake: 'forget what a damaged segment had claimed with the writer that it was of',
    file: 'packages/segments/src/ledger-totals.ts',
    from: 'gapsIn(allRanges(totals), totals.claimedEnd)',
    to: 'gapsIn(allRanges(totals))',
    test: test(
      'segments',
      'spool-accounts',
      'counts what a damaged segment claimed to its end as lost, through each folding',
    ),
  },
  {
    mistake: 'trust metadata of which a letter changed',
    file: 'packages/segments/src/segment-metadata.ts',
    from: 'if (checksum !== undefined && checksum !== checksumIn(text)) return undefined;',
    to: 'if (checksum !== undefined && checksumIn(text) === undefined) return undefined;',
    test: test('segments', 'segment-metadata', 'is none with any one letter or digit changed'),
  },
  {
    mistake: 'put a damaged segment back whose record is lost',
    file: 'packages/segments/src/quarantine.ts',
    from: 'if (!record && !(await this.#isAsSealed(file.fileName, metadata))) {',
    to: 'if (!record && metadata.bytes < 0) {',
    test: test('segments', 'quarantine', 'takes a segment whose record is lost only where it is as it was sealed'),
  },
];
