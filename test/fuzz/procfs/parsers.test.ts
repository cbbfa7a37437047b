// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../src/common/errors.js';
import { parseAuxv } from '../../../src/criu/procfs/auxv.js';
import { parseCgroup } from '../../../src/common/procfs/cgroup.js';
import { parseChildren } from '../../../src/criu/procfs/children.js';
import { parseCmdline } from '../../../src/criu/procfs/cmdline.js';
import { parseLimits } from '../../../src/criu/procfs/limits.js';
import { parseMaps } from '../../../src/criu/procfs/maps.js';
import { parseMountinfo } from '../../../src/common/procfs/mountinfo.js';
import { parseSmaps } from '../../helpers/smaps.js';
import { parseStat } from '../../../src/criu/procfs/stat.js';
import { parseStatus } from '../../../src/criu/procfs/status.js';
import { parseTimers } from '../../../src/criu/procfs/timers.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { parseWholeFdinfo } from '../../unit/criu/procfs/fdinfo-readers.js';

/** Each parser runs for this long, or for all runs. */
const TIME_BOX_MS = 400;
const RUNS = 20_000;
/** Fixed inputs that run first; some are parsed and some refused. */
const SAMPLE = { seed: 4201, numRuns: 500 };

const PARSERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  auxv: parseAuxv,
  cgroup: parseCgroup,
  children: parseChildren,
  cmdline: parseCmdline,
  fdinfo: parseWholeFdinfo,
  limits: parseLimits,
  maps: parseMaps,
  mountinfo: parseMountinfo,
  smaps: parseSmaps,
  stat: parseStat,
  status: parseStatus,
  timers: parseTimers,
};

const FIXTURES = join(REPOSITORY, 'test/fixtures/procfs');

/** What kernels wrote for this parser. */
function seeds(parser: string): readonly Buffer[] {
  return ['odd', 'container', 'old'].flatMap((directory) =>
    readdirSync(join(FIXTURES, directory))
      .filter((name) => name === parser || name.startsWith(`${parser}-`))
      .map((name) => readFileSync(join(FIXTURES, directory, name))),
  );
}

/** A text with some bytes replaced, removed, doubled or inserted, or its end cut off. */
function damaged(seed: Buffer): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(seed.length),
    removed: fc.nat(8),
    added: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom('\n', ' ', '\t', ':', '-', '\\', '99999999999999999999', ' (deleted)', '0x')
        .map((text) => Buffer.from(text)),
    ),
  });
  return fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) => {
    return edits.reduce<Uint8Array>((bytes, { at, removed, added }) => {
      return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
    }, seed);
  });
}

for (const [name, parse] of Object.entries(PARSERS)) {
  test(`any bytes give a value or a ShimError that names the file: ${name}`, (t) => {
    const inputs = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      ...seeds(name).map(damaged),
    );
    const outcomes = { parsed: 0, refused: 0 };
    const property = fc.property(inputs, (bytes) => {
      outcomes[tryParse(() => parse(bytes), name)] += 1;
    });
    fc.assert(property, SAMPLE);
    t.true(outcomes.parsed > 0, 'nothing was ever parsed');
    t.true(name === 'cmdline' || outcomes.refused > 0, 'nothing was ever refused');
    fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: TIME_BOX_MS });
  });
}

function tryParse(parse: () => unknown, file: string): 'parsed' | 'refused' {
  try {
    parse();
    return 'parsed';
  } catch (error) {
    const isExpected = error instanceof ShimError && error.kind === 'internal';
    if (!isExpected || !error.message.startsWith(`parse ${file}: `)) throw error;
    return 'refused';
  }
}
