// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { REPOSITORY } from '../../helpers/paths.js';
import { run, until } from '../../helpers/run.js';

/** What a fork runs to show that no part of Node is missing; the first argument names the result. */
const PROGRAM = `
  import { execFile } from 'node:child_process';
  import { once } from 'node:events';
  import { readFile, rename, writeFile } from 'node:fs/promises';
  import { connect, createServer } from 'node:net';
  import { setImmediate, setTimeout } from 'node:timers/promises';
  import { promisify } from 'node:util';
  import { getHeapStatistics } from 'node:v8';
  import { forkAway, syscall } from '${REPOSITORY}/dist/src/native/index.js';

  const result = process.argv[1];
  await readFile('/proc/self/stat'); // Starts libuv's threads, which the fork does not have.
  await promisify(execFile)('true');
  await setImmediate();
  const before = syscall(39);
  if (forkAway() !== 0) process.exit(0);

  const sum = (n) => { let s = 0; for (let i = 0; i < n; i += 1) s += i % 7; return s; };
  const kept = [];
  for (let i = 0; i < 400; i += 1) kept[i % 50] = Array.from({ length: 20_000 }, (_, k) => ({ k }));
  const server = createServer((socket) => socket.end('over a socket'));
  server.listen(result + '.socket');
  await once(server, 'listening');
  const [data] = await once(connect(result + '.socket'), 'data');
  const report = {
    isAnother: syscall(39) !== before,
    optimized: sum(50_000_000),
    kept: kept.every((list) => list[19_999].k === 19_999),
    heapIsCollected: getHeapStatistics().used_heap_size < 200e6,
    socket: String(data),
    file: (await readFile('/proc/self/comm', 'utf8')).trim(),
    program: (await promisify(execFile)('echo', ['from a program'])).stdout.trim(),
    timer: await setTimeout(20, 'after a while'),
    parent: (await readFile('/proc/self/stat', 'utf8')).split(' ')[3],
  };
  await writeFile(result + '.new', JSON.stringify(report));
  await rename(result + '.new', result);
  process.kill(syscall(39), 'SIGKILL');
`;

test('a fork of Node computes, collects garbage, and does input and output', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-fork-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const result = join(directory, 'result');
  const flags = ['--single-threaded', '--v8-pool-size=1', '--input-type=module', '--eval', PROGRAM];
  await run(process.execPath, [...flags, result], { discardOutput: true });
  const report = await until('the result', () =>
    Promise.resolve(JSON.parse(readFileSync(result, 'utf8')) as unknown),
  );
  t.deepEqual(report, {
    isAnother: true,
    optimized: 149_999_997,
    kept: true,
    heapIsCollected: true,
    socket: 'over a socket',
    file: 'node',
    program: 'from a program',
    timer: 'after a while',
    parent: '1',
  });
});
