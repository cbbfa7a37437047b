export default {
  files: ['dist/test/unit/**/*.test.js', 'dist/test/fuzz/**/*.test.js'],
  workerThreads: false,
  timeout: '2m',
};
