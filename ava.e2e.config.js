export default {
  files: ['dist/test/e2e/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '15m',
};
