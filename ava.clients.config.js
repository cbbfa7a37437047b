export default {
  files: ['dist/test/clients/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '10m',
};
