// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { diffLayers, type FileDiff } from '../../../src/criu/changes/layer-diff.js';
import { copyTree } from '../../../src/criu/changes/tree-copy.js';
import { writeAttributes } from '../../../src/criu/resources/tmpfs-attributes.js';

const NAMES = ['a', 'b', 'c'];

/** Directories for layers, and mounts of them that go away with the test. */
class Place {
  readonly top = mkdtempSync('/var/tmp/mvas-layers-');
  readonly #mounts: string[] = [];

  constructor(t: ExecutionContext) {
    t.teardown(() => {
      this.drop();
    });
  }

  folder(name: string): string {
    const path = join(this.top, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Mounts layers, the uppermost first, over each other. */
  merge(name: string, lower: readonly string[], upper?: string): string {
    const at = this.folder(name);
    const work =
      upper === undefined ? '' : `,upperdir=${upper},workdir=${this.folder(`${name}.work`)}`;
    const options = `lowerdir=${lower.join(':')}${work}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, at]);
    this.#mounts.push(at);
    return at;
  }

  drop(): void {
    for (const at of this.#mounts.splice(0)) execFileSync('umount', [at]);
    rmSync(this.top, { recursive: true, force: true });
  }
}

/** All that a merged tree has, as a program in it sees it. */
function contentOf(top: string): Map<string, string> {
  const paths = readdirSync(top, { recursive: true, encoding: 'utf8' });
  return new Map(
    paths.map((path) => {
      const at = join(top, path);
      const stat = lstatSync(at, { bigint: true });
      const { mode, uid, gid, mtimeNs } = stat;
      const content = stat.isFile()
        ? readFileSync(at, 'utf8')
        : stat.isSymbolicLink()
          ? readlinkSync(at)
          : '';
      const time = stat.isDirectory() ? 0n : mtimeNs;
      return [`/${path}`, [mode, uid, gid, time, content].join()] as const;
    }),
  );
}

function expected(before: string, after: string): FileDiff[] {
  const [old, young] = [contentOf(before), contentOf(after)];
  const paths = [...new Set([...old.keys(), ...young.keys()])];
  const changes = paths.map((path) => {
    const [was, is] = [old.get(path), young.get(path)];
    const change = was === undefined ? 'added' : is === undefined ? 'deleted' : 'changed';
    return was === is ? [] : [{ path, change } as const];
  });
  return sorted(changes.flat());
}

function sorted(differences: readonly FileDiff[]): FileDiff[] {
  return [...differences].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Something that a program does to its files; what cannot be done is not. */
interface Step {
  readonly what: 'write' | 'folder' | 'link' | 'remove' | 'mode' | 'replace';
  readonly path: readonly string[];
  readonly text: string;
}

const STEPS = fc.array(
  fc.record<Step>({
    what: fc.constantFrom('write', 'folder', 'link', 'remove', 'mode', 'replace'),
    path: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
    text: fc.constantFrom('x', 'y', 'longer'),
  }),
  { maxLength: 12 },
);

function take(top: string, { what, path, text }: Step): void {
  const at = join(top, ...path);
  try {
    if (what === 'write') writeFileSync(at, text);
    else if (what === 'folder') mkdirSync(at);
    else if (what === 'link') symlinkSync(text, at);
    else if (what === 'mode') chmodSync(at, 0o711);
    else rmSync(at, { recursive: true });
    if (what === 'replace') mkdirSync(at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  }
}

test('layers differ as the merged trees do', async (t) => {
  t.timeout(120_000);
  await fc.assert(
    fc.asyncProperty(STEPS, STEPS, STEPS, async (first, second, third) => {
      const place = new Place(t);
      try {
        const base = place.folder('base');
        for (const step of first) take(base, step);
        const upper = place.folder('upper');
        const live = place.merge('live', [base], upper);
        const [before, after] = [place.folder('before'), place.folder('after')];
        for (const step of second) take(live, step);
        await copyTree({ from: upper, to: before });
        for (const step of third) take(live, step);
        await copyTree({ from: upper, to: after });
        const found = await diffLayers([before, base], [after, base]);
        const seen = [
          place.merge('old', [before, base]),
          place.merge('young', [after, base]),
        ] as const;
        t.deepEqual(sorted(found), expected(...seen));
      } finally {
        place.drop();
      }
    }),
    { numRuns: 60 },
  );
});

test('a file that was only read or copied up is no difference', async (t) => {
  const place = new Place(t);
  const [base, upper] = [place.folder('base'), place.folder('upper')];
  writeFileSync(join(base, 'a'), 'x');
  execFileSync('cp', ['-a', join(base, 'a'), join(upper, 'a')]);
  t.deepEqual(await diffLayers([base], [upper, base]), []);
  writeAttributes(join(upper, 'a'), [{ name: 'user.note', value: Buffer.from('n') }]);
  t.deepEqual(await diffLayers([base], [upper, base]), [{ path: '/a', change: 'changed' }]);
});

test('what overlayfs keeps elsewhere is refused', async (t) => {
  const place = new Place(t);
  const [base, upper] = [place.folder('base'), place.folder('upper')];
  mkdirSync(join(upper, 'moved'));
  writeAttributes(join(upper, 'moved'), [
    { name: 'trusted.overlay.redirect', value: Buffer.from('was') },
  ]);
  await t.throwsAsync(diffLayers([base], [upper, base]), { message: /moved was renamed/ });
  rmSync(join(upper, 'moved'), { recursive: true });
  for (const folder of [base, upper]) writeFileSync(join(folder, 'a'), '');
  writeAttributes(join(upper, 'a'), [{ name: 'trusted.overlay.metacopy', value: Buffer.alloc(0) }]);
  await t.throwsAsync(diffLayers([base], [upper, base]), {
    message: /a has its content in a lower/,
  });
});
