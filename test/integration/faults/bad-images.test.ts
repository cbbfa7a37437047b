// SPDX-License-Identifier: Apache-2.0
import { asVasId, type VasId } from '../../../src/common/ids.js';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import anyTest, { type TestFn } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { inspectVas, removeVas, validateImage } from '../../../src/criu/index.js';
import { Counter, listed, mvas, Yard } from './harness.js';
import { hashHolder } from './holder-memory.js';
import { childrenOf, list, parentOf, vasLeftoversInTheEnd } from './leftovers.js';

/**
 * An image that is not byte for byte what a checkpoint wrote on this host in this boot is refused with an explanation,
 * and nothing is started for it. Each change is tried on each file with `validateImage`, which opens images as a
 * restore does; one of each kind also with `mvas restore`.
 */
interface Given {
  readonly counter: Counter;
  readonly imagePath: string;
  readonly vasId: VasId;
  readonly holder: number;
}

const test = anyTest as TestFn<Given>;
const yard = new Yard();
const REFUSED = /restore from|read |decode|VAS |checkpoint/;
/** Bits flipped in each file, spread evenly. */
const FLIPS = 12;

test.before('checkpoint a container', async (t) => {
  t.timeout(60_000);
  const counter = new Counter(yard);
  await counter.start();
  const imagePath = counter.newImage();
  const { status, stdout, stderr } = await mvas(counter.checkpointArgs(imagePath, false));
  if (status !== 0) throw new ShimError('internal', stderr);
  await counter.delete();
  const vasId = asVasId(stdout.trim());
  const holder = (await inspectVas(vasId)).holder?.pid ?? 0;
  t.context = { counter, imagePath, vasId, holder };
});

test.after.always('the VAS can be removed, and nothing is left', async (t) => {
  await t.context.counter.close(false);
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

type Change = (path: string) => void;

/** The changes made to each file of an image. */
const CHANGES: Readonly<Record<string, Change>> = {
  'cut to nothing': (path) => {
    truncateSync(path, 0);
  },
  'cut by a byte': (path) => {
    truncateSync(path, readFileSync(path).length - 1);
  },
  'longer by a byte': (path) => {
    writeFileSync(path, '\0', { flag: 'a' });
  },
  missing: (path) => {
    rmSync(path);
  },
  'a link to itself elsewhere': (path) => {
    renameSync(path, `${path}.elsewhere`);
    renameSync(`${path}.elsewhere`, join(path, '..', '..', 'elsewhere.img'));
    symlinkSync('../elsewhere.img', path);
  },
  'a FIFO': (path) => {
    rmSync(path);
    execFileSync('mkfifo', [path]);
  },
  'a directory': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
};

for (const [what, change] of Object.entries(CHANGES)) {
  test.serial(`an image with a file that is ${what} is refused`, async (t) => {
    const names = readdirSync(t.context.imagePath).filter(
      (name) => !(isEmpty(t, name) && what.includes('cut')),
    );
    t.true(names.length > 5);
    for (const name of names)
      await refuses(t, `${name} ${what}`, (copy) => change(join(copy, name)));
    await startsNothing(t, (copy) => change(join(copy, 'pstree.img')));
  });
}

test.serial('an image with a flipped bit is refused', async (t) => {
  for (const name of readdirSync(t.context.imagePath)) {
    const bytes = readFileSync(join(t.context.imagePath, name));
    for (let flip = 0; flip < Math.min(FLIPS, bytes.length); flip++) {
      const bit = Math.floor(((flip + 0.5) * bytes.length * 8) / FLIPS);
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await refuses(t, `bit ${String(bit)} of ${name}`, (copy) => {
        writeFileSync(join(copy, name), changed);
      });
    }
  }
});

const ADDITIONS: Readonly<Record<string, Change>> = {
  'a file more': (copy) => {
    writeFileSync(join(copy, 'more.img'), '');
  },
  'a pagemap more': (copy) => {
    writeFileSync(join(copy, 'pagemap-1.img'), readFileSync(join(copy, 'pstree.img')));
  },
  'a huge file more': (copy) => {
    writeFileSync(join(copy, 'core-99.img'), '');
    truncateSync(join(copy, 'core-99.img'), 2 ** 29);
  },
  'a directory more': (copy) => {
    mkdirSync(join(copy, 'more'));
  },
  'a link more': (copy) => {
    symlinkSync('/etc/passwd', join(copy, 'core-99.img'));
  },
  'a FIFO more': (copy) => {
    execFileSync('mkfifo', [join(copy, 'core-99.img')]);
  },
};

for (const [what, add] of Object.entries(ADDITIONS)) {
  test.serial(`an image with ${what} is refused`, async (t) => {
    await refuses(t, what, add);
    await startsNothing(t, add);
  });
}

test.serial('an image of another VAS, or of another boot, is refused', async (t) => {
  const replace = (from: RegExp, to: string) => (copy: string) => {
    const path = join(copy, 'vas.json');
    const before = readFileSync(path, 'utf8');
    const after = before.replace(from, to);
    t.not(after, before);
    writeFileSync(path, after);
  };
  const strangeBoot = '00000000-0000-4000-8000-000000000000';
  const otherBoot = replace(/"(bootId|boot_id)":\s*"[^"]*"/, `"$1":"${strangeBoot}"`);
  const otherVas = replace(new RegExp(t.context.vasId, 'g'), 'f'.repeat(32));
  await refuses(t, 'another boot', otherBoot, /last reboot/);
  await refuses(t, 'another VAS', otherVas, /inventory and vas\.json name different VASes/);
  await startsNothing(t, otherBoot, /last reboot/);
  await startsNothing(t, otherVas, /inventory and vas\.json name different VASes/);
});

test.serial('an image that is not there or not complete is refused', async (t) => {
  t.throws(() => validateImage(join(yard.folder, 'nowhere')), { instanceOf: ShimError });
  await refuses(t, 'no inventory', (copy) => rmSync(join(copy, 'inventory.img')), /not a complete/);
});

test.serial('the untouched image is good, until its VAS is removed', async (t) => {
  const { counter, imagePath, vasId } = t.context;
  t.is(validateImage(imagePath).vasId, vasId);
  await counter.run.restore(imagePath);
  await counter.countsOn();
  await removeVas(vasId);
  await counter.countsOn();
  const error = t.throws(() => validateImage(imagePath), { instanceOf: ShimError });
  t.regex(error?.message ?? '', /removed/);
  const again = await mvas([...counter.restoreArgs(imagePath).slice(0, -1), `${counter.id}-again`]);
  t.is(again.status, 1);
  t.regex(again.stderr, /removed/);
  t.is(await counter.run.go(), 'PASS');
});

function isEmpty(t: ExecutionContext<Given>, name: string): boolean {
  return readFileSync(join(t.context.imagePath, name)).length === 0;
}

/** A changed copy of the image. */
async function withCopy<T>(
  t: ExecutionContext<Given>,
  change: Change,
  use: (copy: string) => T | Promise<T>,
): Promise<T> {
  const copy = join(yard.folder, 'copies', 'image');
  cpSync(t.context.imagePath, copy, { recursive: true });
  try {
    change(copy);
    return await use(copy);
  } finally {
    rmSync(join(yard.folder, 'copies'), { recursive: true, force: true });
  }
}

async function refuses(
  t: ExecutionContext<Given>,
  what: string,
  change: Change,
  words = REFUSED,
): Promise<void> {
  await withCopy(t, change, (copy) => {
    const error = t.throws(() => validateImage(copy), { instanceOf: ShimError }, what);
    const { kind, message } = ShimError.from(error);
    // Without its vas.json it looks like one that CRIU wrote.
    const kinds = ['dataLoss', 'invalidArgument', 'failedPrecondition', 'unimplemented'];
    t.true(kinds.includes(kind), `${what}: ${kind}`);
    t.regex(message, words, what);
  });
}

/** `mvas restore` fails, and has not even forked the holder. */
async function startsNothing(
  t: ExecutionContext<Given>,
  change: Change,
  words = REFUSED,
): Promise<void> {
  const { counter, holder } = t.context;
  const hash = hashHolder(holder);
  const before = await listed();
  await withCopy(t, change, async (copy) => {
    const { status, stderr } = await mvas(counter.restoreArgs(copy));
    t.is(status, 1);
    t.regex(stderr, words);
  });
  t.deepEqual(await listed(), before, 'the holder has not forked');
  t.deepEqual(childrenOf(parentOf(holder)), [holder]);
  t.deepEqual(list(counter.run.place.runcRoot), [], 'runc knows nothing of it');
  t.is(hashHolder(holder), hash);
}
