export default {
  files: ['dist/test/kernel/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '20m',
};
