// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openEventFd } from '../../../../src/shim/metrics/event-fd.js';
import { OomWatch } from '../../../../src/shim/metrics/oom.js';

function directory(t: ExecutionContext, file: string, text: string): string {
  const path = mkdtempSync(join(tmpdir(), 'mvas-oom-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  writeFileSync(join(path, file), text);
  return path;
}

/** Neither an eventfd nor inotify keeps the process alive until an event arrives. */
function stayAlive(t: ExecutionContext): void {
  const timer = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    clearInterval(timer);
  });
}

test('an eventfd calls back for every signal until it is closed', async (t) => {
  stayAlive(t);
  let resolve: () => void = () => undefined;
  const event = openEventFd(() => {
    resolve();
  });
  for (let round = 0; round < 3; round += 1) {
    const signalled = new Promise<void>((done) => (resolve = done));
    writeFileSync(event.fd, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
    await signalled;
  }
  event.close();
  t.notThrows(() => {
    event.close();
  });
});

test('on v2 a change of memory.events is told, once for each growth of its count', async (t) => {
  const path = directory(t, 'memory.events', 'oom 1\noom_kill 1\n');
  stayAlive(t);
  let told = 0;
  let resolve: () => void = () => undefined;
  const watch = OomWatch.start({ version: 2, directory: path }, () => {
    told += 1;
    resolve();
  });
  t.teardown(() => watch?.close());
  const grown = new Promise<void>((done) => (resolve = done));
  writeFileSync(join(path, 'memory.events'), 'oom 1\noom_kill 2\n');
  await grown;
  watch?.check();
  t.is(told, 1);
});

test('without a signal a look at the count tells', (t) => {
  const path = directory(t, 'memory.oom_control', 'oom_kill 0\n');
  let told = 0;
  // No cgroup.event_control there: the kernel has nothing to say.
  const directories = new Map([['memory', path]]);
  const watch = OomWatch.start({ version: 1, directories }, () => (told += 1));
  watch?.check();
  t.is(told, 0);
  writeFileSync(join(path, 'memory.oom_control'), 'oom_kill 2\n');
  watch?.check();
  watch?.check();
  t.is(told, 1);
  watch?.close();
});

test('without a memory controller there is nothing to watch', (t) => {
  t.is(
    OomWatch.start({ version: 1, directories: new Map() }, () => undefined),
    undefined,
  );
});
