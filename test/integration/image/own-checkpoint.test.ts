// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { mvasEngine } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { readTargets } from '../../helpers/targets.js';

/** Targets that between them have most kinds of image files. */
const TARGETS = [
  'process_tree',
  'memory_deleted_file',
  'pipe_data',
  'seccomp_filters',
  'memory_file_private',
  'unix_link',
  'socket_owner',
  'netlink_groups',
  'udp_multicast',
];
const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));
const FOLDER = join(REPOSITORY, 'test/targets');
const DRIVER = join(REPOSITORY, 'test/integration/image/decode.py');

const fetched = spawnSync('bash', [join(REPOSITORY, 'scripts/fetch-pycriu.sh')], {
  encoding: 'utf8',
});

test.before('build the targets', (t) => {
  t.timeout(300_000);
  execFileSync('make', ['-s', '-C', FOLDER], { stdio: ['ignore', 'ignore', 'inherit'] });
});

for (const target of readTargets(FOLDER).filter(({ name }) => TARGETS.includes(name))) {
  if (fetched.status !== 0) {
    test.skip(`pycriu reads a checkpoint of ${target.name}: ${fetched.stderr.trim()}`, (t) => {
      t.fail();
    });
    continue;
  }
  test.serial(`pycriu reads every file of a checkpoint of ${target.name}`, async (t) => {
    const binary = join(FOLDER, 'build', target.name);
    const run = new TargetRun(target, mvasEngine(REPOSITORY), binary);
    t.teardown(() => run.close(false));
    t.regex(await run.start(), /^READY/);
    const { imagePath, result } = await run.checkpoint(true);
    t.is(result.status, 0, result.stderr);
    readAll(t, imagePath, run.folder);
  });
}

function readAll(t: ExecutionContext, imagePath: string, folder: string): void {
  const [files, again] = [join(folder, 'files'), join(folder, 'again')];
  mkdirSync(files);
  mkdirSync(again);
  // Raw archives are not in a format of CRIU's.
  const names = readdirSync(imagePath).filter((name) => /(?<!\.tar\.gz)\.img$/.test(name));
  for (const name of names) cpSync(join(imagePath, name), join(files, name));
  const output = execFileSync('python3', [DRIVER, files, again], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PYTHONPATH: fetched.stdout.trim(),
      PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION: 'python',
    },
  });
  const decoded = JSON.parse(output) as Record<string, { entries: { pid?: string }[] }>;
  t.deepEqual(Object.keys(decoded).sort(), names.sort());
  t.is(decoded['pstree.img']?.entries[0]?.pid, '1');
  t.is(decoded['inventory.img']?.entries.length, 1);
  t.true(names.includes('core-1.img') && names.includes('mm-1.img'));
}
