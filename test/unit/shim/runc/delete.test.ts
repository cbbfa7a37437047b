// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Runc } from '../../../../src/shim/runc/runc.js';

/** A runc that notes its arguments, and fails without `--force` where it is told to. */
function runcOf(t: ExecutionContext, { refuses = false } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-runc-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const [binary, calls] = [join(directory, 'runc'), join(directory, 'calls')];
  const refusal = refuses ? 'case "$*" in *--force*) ;; *) exit 1 ;; esac' : '';
  writeFileSync(binary, `#!/bin/sh\necho "$*" | sed "s,.* delete ,," >> ${calls}\n${refusal}\n`, {
    mode: 0o755,
  });
  const root = join(directory, 'state');
  const runc = new Runc({ binary, root, systemdCgroup: false }, join(directory, 'log'));
  const hasState = (pid: number, start: string): void => {
    mkdirSync(join(root, 'one'), { recursive: true });
    const state = `{"init_process_pid":${String(pid)},"init_process_start":${start}}`;
    writeFileSync(join(root, 'one', 'state.json'), state);
  };
  return { runc, hasState, calls: () => readFileSync(calls, 'utf8').trim().split('\n') };
}

function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

test('a container whose init has ended is deleted without force', async (t) => {
  const ended = runcOf(t);
  ended.hasState(spawnSync('true').pid, '17');
  await ended.runc.delete('one');
  t.deepEqual(ended.calls(), ['one']);
  const reused = runcOf(t);
  reused.hasState(process.pid, '17');
  await reused.runc.delete('one');
  t.deepEqual(reused.calls(), ['one']);
});

test('one whose init lives is deleted by force', async (t) => {
  const { runc, hasState, calls } = runcOf(t);
  hasState(process.pid, startOf(process.pid));
  await runc.delete('one');
  t.deepEqual(calls(), ['--force one']);
});

test('one that runc does not delete otherwise is deleted by force', async (t) => {
  const { runc, hasState, calls } = runcOf(t, { refuses: true });
  hasState(spawnSync('true').pid, '17');
  await runc.delete('one');
  t.deepEqual(calls(), ['one', '--force one']);
});

test('one whose state is not understood is deleted by force', async (t) => {
  const { runc, hasState, calls } = runcOf(t);
  hasState(0, '17');
  await runc.delete('one');
  t.deepEqual(calls(), ['--force one']);
});
