export default {
  files: ['dist/test/integration/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '10m',
};
