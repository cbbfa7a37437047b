// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import * as abi from '../../../../src/criu/vas/kernel-abi.js';

/** Expressions of the header, by their names here. */
const EXPRESSIONS: Readonly<Record<string, readonly [expression: string, ours: number | bigint]>> =
  {
    ...Object.fromEntries(
      Object.entries(abi.CALL).map(([name, value]) => [
        `call ${name}`,
        [`MVAS_${snake(name).toUpperCase()}`, value],
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(abi.CAPABILITY).map(([name, bit]) => [
        `bit ${name}`,
        [`MVAS_CAP_${name.toUpperCase()}`, bit],
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(abi.SIZE).map(([name, size]) => [
        `size of ${name}`,
        [`sizeof(struct mvas_${snake(name)})`, size],
      ]),
    ),
    ...offsets(
      'info',
      { version: 'version', capabilities: 'capabilities', bytes: 'bytes', vasCount: 'vas_count' },
      abi.INFO,
    ),
    ...offsets('id', { id: 'id' }, abi.ID),
    ...offsets('find', { id: 'id', name: 'name' }, abi.FIND),
    ...offsets(
      'attr',
      Object.fromEntries(Object.keys(abi.ATTR).map((name) => [name, name])) as Record<
        keyof typeof abi.ATTR,
        string
      >,
      abi.ATTR,
    ),
    ...offsets('list', { capacity: 'capacity', ids: 'ids', count: 'count' }, abi.LIST),
    ...offsets('fork', { target: 'target', mode: 'mode', name: 'name' }, abi.FORK),
    ...offsets('exec', { id: 'id', ip: 'ip', sp: 'sp' }, abi.EXEC),
    ...offsets('create', { mode: 'mode', id: 'id', name: 'name' }, abi.CREATE),
    ...offsets(
      'seg_create',
      { mode: 'mode', start: 'start', length: 'length', id: 'id', name: 'name' },
      abi.SEG_CREATE,
    ),
    ...offsets(
      'seg_attach',
      { vasId: 'vas_id', segId: 'seg_id', access: 'access' },
      abi.SEG_ATTACH,
    ),
    'longest name': ['MVAS_NAME_SIZE - 1', abi.NAME_MAX],
  };

function snake(name: string): string {
  return name.replace(/[A-Z]/g, '_$&').toLowerCase();
}

function offsets<Name extends string>(
  struct: string,
  fields: Readonly<Record<Name, string>>,
  ours: Readonly<Record<Name, number>>,
): Record<string, readonly [string, number]> {
  return Object.fromEntries(
    (Object.keys(fields) as Name[]).map((name) => [
      `${struct}.${name}`,
      [`offsetof(struct mvas_${struct}, ${fields[name]})`, ours[name]],
    ]),
  );
}

test('calls, sizes and offsets are those of the header', (t) => {
  const work = mkdtempSync('/tmp/mvas-abi-');
  try {
    const lines = Object.values(EXPRESSIONS).map(
      ([expression]) => `printf("%llu\\n", (unsigned long long)(${expression}));`,
    );
    const source = `#include <stddef.h>\n#include <stdio.h>\n#include "mvas.h"\nint main(void) { ${lines.join('\n')} return 0; }\n`;
    const program = join(work, 'abi');
    writeFileSync(`${program}.c`, source);
    execFileSync('gcc', ['-I', 'kernel/include/uapi', '-o', program, `${program}.c`]);
    const values = execFileSync(program, { encoding: 'utf8' }).trim().split('\n').map(BigInt);
    Object.entries(EXPRESSIONS).forEach(([name, [, ours]], index) => {
      t.is(values[index], BigInt(ours), name);
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

test('a fork is told a name and a mode', (t) => {
  const bytes = abi.forkStructure('abc.1');
  t.is(bytes.length, abi.SIZE.fork);
  t.is(bytes.readUInt32LE(abi.FORK.mode), 0o600);
  t.is(bytes.toString('utf8', abi.FORK.name, abi.FORK.name + 6), 'abc.1\0');
});
