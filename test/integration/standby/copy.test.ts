// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { REPOSITORY } from '../../helpers/paths.js';
import { run, tryRun } from '../../helpers/run.js';

const FLAGS = ['--single-threaded', '--v8-pool-size=1', '--input-type=module', '--eval'];

/** Runs a program as a standby would, and returns what it prints as JSON. */
async function printedBy(program: string): Promise<unknown> {
  return JSON.parse(await run(process.execPath, [...FLAGS, program])) as unknown;
}

const BEGIN = `
  import { existsSync, readdirSync, readFileSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  import { Copy, mayBeCopied } from '${REPOSITORY}/dist/src/native/copy.js';
  import { syscall } from '${REPOSITORY}/dist/src/native/index.js';
  const ownPid = () => syscall(39);
  const children = () => readFileSync('/proc/self/task/' + ownPid() + '/children', 'utf8').trim();
  const print = (value) => process.stdout.write(JSON.stringify(value));
`;

test('a copy knows all that the original knows, keeps none of its descriptors, and ends', async (t) => {
  const report = await printedBy(`${BEGIN}
    const kept = Array.from({ length: 200_000 }, (_, index) => ({ index }));
    const leftBehind = () => readFileSync('/proc/self/smaps', 'utf8').split('\\n')
      .filter((line) => line.startsWith('VmFlags:') && line.includes(' dc')).length;
    const before = leftBehind();
    const copy = new Copy(() => {
      const made = Array.from({ length: 200_000 }, (_, index) => ({ twice: 2 * index }));
      const descriptors = readdirSync('/proc/self/fd').map(Number).filter((fd) => existsSync('/proc/self/fd/' + fd));
      return { pid: ownPid(), last: kept.at(-1).index, made: made.at(-1).twice, descriptors, text: 'ä\\n' + 'x'.repeat(100_000) };
    });
    const after = leftBehind();
    const { pid, text, ...answer } = await copy.answer();
    await copy.end();
    await copy.end();
    print({ ...answer, text: text.length, isAnother: pid !== ownPid(), isGone: !existsSync('/proc/' + pid), before, after, mayBeCopied: mayBeCopied() });
  `);
  const { before, after, ...rest } = report as { before: number; after: number };
  t.deepEqual(rest, {
    last: 199_999,
    made: 399_998,
    descriptors: [0, 1, 2, 3],
    text: 100_002,
    isAnother: true,
    isGone: true,
    mayBeCopied: true,
  } as unknown as typeof rest);
  t.true(before > 0 && after >= before, 'programs are started without the heap, as before');
});

test('a copy that fails has no answer, and one that does not end is ended', async (t) => {
  const report = await printedBy(`${BEGIN}
    const failing = new Copy(() => { throw new Error('no'); });
    const answer = (await failing.answer()) ?? 'none';
    await failing.end();
    const endless = new Copy(() => { for (;;); });
    const during = children() !== '';
    await endless.end();
    print({ answer, during, afterwards: children() });
  `);
  t.deepEqual(report, { answer: 'none', during: true, afterwards: '' });
});

test('a copy dies with the original', async (t) => {
  const program = `${BEGIN}
    new Copy(() => { for (;;); });
    await setTimeout(50);
    process.kill(ownPid(), 'SIGKILL');
  `;
  // Its stdout is a pipe to us that the copy has as well: it ends only with both of them.
  const { code, stderr } = await tryRun(process.execPath, [...FLAGS, program], {
    timeoutMs: 30_000,
  });
  t.is(code, 137, stderr);
});

test('a copy refuses what cannot be restored in the same words', async (t) => {
  const report = await printedBy(`${BEGIN}
    import { tryRestore } from '${REPOSITORY}/dist/src/criu/checkpoint/restorable.js';
    import { sampleImage } from '${REPOSITORY}/dist/src/criu/restore/rehearsal/sample-image.js';
    const MANY = 100;
    const ALL = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'NET_BIND_SERVICE', 'NET_RAW', 'SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE', 'SETFCAP', 'SYS_NICE'].map((name) => 'CAP_' + name);
    const base = 0x10000000000n;
    const withZombies = (image) => {
      const zombie = image.pstree.find(({ pid }) => pid === 10);
      for (let pid = 1000; pid < 1000 + MANY; pid++) {
        image.pstree.push({ ...zombie, pid, threads: [pid] });
        image.cores.set(pid, image.cores.get(10));
      }
      return image;
    };
    const spec = (bounding) => ({ linux: { namespaces: [] }, process: { capabilities: { bounding } } });
    const wrong = () => {
      const image = sampleImage();
      return { ...image, pstree: [...image.pstree, image.pstree[1]] };
    };
    const outcome = async (image, bounding) => {
      const tried = { image, base, vasId: 'vas-0001', source: { backend: 'holder' }, kernelAreas: [], spec: spec(bounding), mounts: [] };
      const trial = tryRestore(tried, []);
      const isInCopy = children() !== '';
      const message = await trial.outcome().then(() => 'fine', ({ kind, message }) => kind + ': ' + message);
      await trial.giveUp();
      return [isInCopy, message];
    };
    const makers = [() => [sampleImage(), ALL], () => [sampleImage(), []], () => [wrong(), ALL]];
    const seen = [];
    for (const make of makers) {
      const [[few, allowed], [many]] = [make(), make()];
      seen.push([await outcome(few, allowed), await outcome(withZombies(many), allowed)]);
    }
    print(seen);
  `);
  const outcomes = report as [few: [boolean, string], many: [boolean, string]][];
  for (const [[fewInCopy, few], [manyInCopy, many]] of outcomes) {
    t.deepEqual([fewInCopy, manyInCopy], [false, true]);
    t.is(many, few);
  }
  const expected = [
    'fine',
    /^failedPrecondition: pid 1 .* beyond those of/,
    /^failedPrecondition: it could not be restored: /,
  ];
  expected.forEach((words, index) => {
    const message = outcomes[index]?.[1][1] ?? '';
    if (typeof words === 'string') t.is(message, words);
    else t.regex(message, words);
  });
});
