// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { ShimError } from '../src/common/errors.js';
import type { Scope } from '../src/common/scope.js';
import { runProgram } from './program.js';
import { ContainerdSide } from './containerd-side.js';
import { CriuSide, findCriu } from './criu-side.js';
import type { Measurement } from './figures.js';
import { sideName } from './options.js';
import { figuresTable } from './report.js';
import { verbsText } from './verbs-work.js';

const say = (message: string): void => {
  process.stderr.write(`demo: ${message}\n`);
};

await runProgram('demo', { mib: [256], runs: 1 }, async (scope, options) => {
  const mib = options.mib[0] ?? 256;
  if (options.json !== undefined && sideName(options) !== 'mvas') {
    throw new ShimError(
      'invalidArgument',
      `--json is for figures of mvas, not of ${options.runtime}`,
    );
  }
  say(`starting a containerd of our own, with runtime ${options.runtime}`);
  const mvas = await ContainerdSide.open(options.runtime, say);
  scope.defer('stop containerd', () => mvas.close());
  const ours = await mvas.measure(mib);
  say(
    `keys: ${String(ours.keysBefore)} before, ${ours.keysAfter.join(' and ')} in the restored two`,
  );
  const verbs = sideName(options) === 'mvas' ? await mvas.measureVerbs(mib) : undefined;
  const criu = await measureCriu(scope, mib);
  print(sideName(options), ours, criu);
  if (verbs) process.stdout.write(`\n${verbsText(verbs)}`);
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ ...result(ours, criu), verbs }, null, 2)}\n`);
  if (ours.keysAfter.some((keys) => keys !== ours.keysBefore)) {
    throw new ShimError('dataLoss', 'a restored redis lost keys');
  }
});

/** The same work as runc and CRIU do it, with their version. */
interface Criu {
  readonly measurement: Measurement;
  readonly version: string;
}

/** The same work by runc and CRIU; undefined if CRIU is not available, after printing the reason. */
async function measureCriu(scope: Scope, mib: number): Promise<Criu | undefined> {
  try {
    const { directory, version } = await findCriu();
    say(`the same work by runc and CRIU ${version}`);
    const side = await CriuSide.open(directory);
    scope.defer('clean up after runc', () => side.close());
    return { measurement: await side.measure(mib), version };
  } catch (error) {
    say(`no comparison with runc and CRIU: ${ShimError.from(error).message}`);
    return undefined;
  }
}

function print(name: string, ours: Measurement, criu: Criu | undefined): void {
  const sides = {
    [name]: ours,
    ...(criu && { [`runc + CRIU ${criu.version}`]: criu.measurement }),
  };
  const resident = (ours.residentBytes / 1024 / 1024).toFixed(0);
  process.stdout.write(`redis with ${String(ours.keysBefore)} keys, ${resident} MiB resident\n\n`);
  process.stdout.write(`${figuresTable(sides)}\n\n`);
  process.stdout.write(
    `${name}: checkpoint by ctr, which pauses the container meanwhile; restore by the tasks API.\n` +
      (name === 'mvas'
        ? 'Its files hold no memory; that stays in the VAS, once for all restored from it.\n'
        : '') +
      'runc + CRIU: called directly, images in tmpfs; containerd would add its copies to that.\n' +
      'Both find memory that has been touched before.\n',
  );
}

function result(ours: Measurement, criu: Criu | undefined): object {
  return {
    residentBytes: ours.residentBytes,
    mvas: ours.figures,
    criu: criu ? { ...criu.measurement.figures, version: criu.version } : null,
    keysBefore: ours.keysBefore,
    keysAfter: Math.min(...ours.keysAfter),
  };
}
