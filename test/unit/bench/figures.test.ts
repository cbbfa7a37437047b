// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { median, medians, type Figures } from '../../../bench/figures.js';
import { parseOptions, sideName } from '../../../bench/options.js';
import { figuresTable } from '../../../bench/report.js';
import { parseFrozenMs } from '../../../bench/stats.js';

const figures = (frozenMs: number | null, checkpointMs: number): Figures => ({
  frozenMs,
  checkpointMs,
  restoreToFirstReplyMs: 10,
  secondRestoreToFirstReplyMs: 12,
  imageBytes: 1024,
  clonePrivateBytes: 2 * 1024 * 1024,
});

test('the median of an odd number is the middle one, of an even number the mean of two', (t) => {
  t.is(median([9, 1, 5]), 5);
  t.is(median([4, 1, 2, 9]), 3);
});

test('medians are taken figure by figure, and are unknown where any run does not tell', (t) => {
  t.like(medians([figures(1, 100), figures(3, 300), figures(2, 250)]), {
    frozenMs: 2,
    checkpointMs: 250,
  });
  t.like(medians([figures(1, 100), figures(null, 300)]), { frozenMs: null, checkpointMs: 200 });
});

test('the table shows by how much the first side needs less', (t) => {
  const table = figuresTable({
    ours: { figures: figures(null, 100), standstillMs: 50 },
    theirs: { figures: figures(7, 450), standstillMs: 200 },
  });
  t.regex(table, /engine counts it +not told +7\.0 ms$/m);
  t.regex(table, /checkpoint, as its client sees it +100\.0 ms +450\.0 ms +4\.5x$/m);
  t.regex(table, /private memory of the second +2\.00 MiB +2\.00 MiB +1x$/m);
});

test('options have defaults, and are refused when they make no sense', (t) => {
  const defaults = { mib: [256], runs: 5 };
  t.like(parseOptions([], defaults), { json: undefined, mib: [256], runs: 5 });
  t.like(parseOptions(['--mib', '64,1024', '--runs', '3', '--json', 'f'], defaults), {
    json: 'f',
    mib: [64, 1024],
    runs: 3,
  });
  t.deepEqual(parseOptions(['--only', 'exec,run'], defaults).only, ['exec', 'run']);
  t.true(parseOptions([], defaults).only.includes('restore'));
  for (const args of [
    ['--mib', '0'],
    ['--runs', 'many'],
    ['--mib', '1.5'],
    ['--nonsense'],
    ['file'],
    ['--only', 'run,nothing'],
  ]) {
    t.throws(() => parseOptions(args, defaults), { name: 'ShimError' }, args.join(' '));
  }
});

test('only the runtime of this project is called mvas', (t) => {
  t.is(sideName({ runtime: 'io.containerd.mvas.v1' }), 'mvas');
  t.is(sideName({ runtime: 'io.containerd.runc.v2' }), 'io.containerd.runc.v2');
});

test('the frozen time is found in a stats file as CRIU writes it', (t) => {
  const header = Buffer.from('4059105506330957', 'hex');
  // dump { freezing_time: 300, frozen_time: 96787 }
  const dump = Buffer.from([0x08, 0xac, 0x02, 0x10, 0x93, 0xf4, 0x05]);
  const entry = Buffer.concat([Buffer.from([0x0a, dump.length]), dump]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(entry.length);
  t.is(parseFrozenMs(Buffer.concat([header, size, entry])), 96.787);
  t.is(parseFrozenMs(header), null);
});
