#!@NODE@ --no-warnings
// SPDX-License-Identifier: Apache-2.0
// An executable of bin/, as scripts/build.sh makes them. A copy that has left its checkout is no ES module any
// more: hence import() only.
Promise.all(['fs', 'path', 'url'].map((name) => import(`node:${name}`))).then(
  ([{ existsSync, realpathSync }, { join }, { pathToFileURL }]) => {
    const root = join(realpathSync(process.argv[1]), '../..');
    const entry = join(root, '@ENTRY@');
    return import(pathToFileURL(entry)).catch((error) => {
      const needed = [entry, join(root, 'native/build/mvas.node')];
      const missing = needed.find((path) => !existsSync(path));
      if (missing === undefined && !/MODULE_NOT_FOUND|DLOPEN/.test(error.code)) throw error;
      const why = missing === undefined ? error.message.split('\n')[0] : `${missing} is not there`;
      const remedy = 'link to the executable of the checkout, and build that (npm run build)';
      process.stderr.write(`@NAME@: ${why}; remedy: ${remedy}\n`);
      process.exitCode = 1;
    });
  },
);
