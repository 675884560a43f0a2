// Finds unused files, exports and dependencies, and imports that no package.json names.
const sources = ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'];

export default {
  ignoreExportsUsedInFile: true,
  workspaces: {
    '.': {
      entry: ['tools/*.mjs', 'tools/**/*.test.ts', 'tools/bench.ts', 'tools/readme-environment.ts'],
      project: ['tools/**/*.{ts,mjs}', '*.{js,ts}'],
      // An application brings its own Electron; the example is run with a stand-in.
      // The validator of CycloneDX asks for the formats of ajv. attw is run by its path; fast-check is pinned here, once, for the tests of every package, the loggers for benchmarks.
      ignoreDependencies: [
        '@arethetypeswrong/cli',
        'ajv-formats',
        'ajv-formats-draft2019',
        'electron',
        'fast-check',
        'pino',
        'winston',
      ],
    },
    'packages/*': { entry: ['bench/*.bench.ts'], project: sources },
    // uplot is served to browsers by its path; the damage set is written by hand, to be looked at.
    'packages/cli': {
      entry: ['src/bin.ts', 'bench/*.bench.ts', 'test/damage/write-damage-set.mts'],
      project: [...sources, 'test/**/*.mts'],
      ignoreBinaries: ['mkfifo', 'nats-server', 'python3', 'fish'],
      ignoreDependencies: ['uplot'],
    },
    // Loaded by createRequire, when the first lock is taken.
    'packages/segments': {
      entry: ['bench/*.bench.ts'],
      project: sources,
      ignoreDependencies: ['fs-native-extensions'],
    },
    // Programs that tests start, and a measurement that is started by hand.
    'packages/disk-writer': {
      entry: ['bench/*.ts', 'test/real/*.ts', 'test/crash/crash-worker.ts'],
      project: sources,
      ignoreBinaries: ['mount', 'umount'],
    },
    'packages/serializers': {
      entry: ['bench/*.bench.ts'],
      project: sources,
      ignoreDependencies: ['@relaykit/testing'],
    },
    'packages/uploader-nats': {
      entry: ['bench/*.bench.ts', 'test/export-until-killed.ts'],
      project: sources,
      ignoreBinaries: ['nats-server'],
    },
    // TypeDoc wants the TypeScript it works with beside it.
    'tools/api': { entry: ['typedoc.config.js'], ignoreDependencies: ['typescript'] },
    demo: { entry: ['src/main.ts'], project: ['src/**/*.ts', 'test/**/*.ts'] },
  },
};
