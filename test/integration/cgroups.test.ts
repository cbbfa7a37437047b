// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { asHostTid, ownPid } from '../../src/common/ids.js';
import {
  readCgroup,
  readChildren,
  readMountinfo,
  readStatus,
} from '../../src/criu/procfs/reader.js';
import { cgroupDirectories, placesIn } from '../../src/common/cgroup-places.js';
import { REPOSITORY } from '../helpers/paths.js';
import { mvasEngine } from '../helpers/targets-engine.js';
import { TargetRun } from '../helpers/targets-run.js';

/** A restored container has the cgroups that its runtime makes, and no others. */
const TARGETS = join(REPOSITORY, 'test/targets');
const BELOW = 'below';

test('a process in another cgroup than its container is refused', async (t) => {
  t.timeout(120_000);
  execFileSync('make', ['-s', '-C', TARGETS, 'build/process_tree'], { stdio: 'inherit' });
  const target = {
    name: 'process_tree',
    needs: [],
    expect: { kind: 'restore' },
    varies: [],
  } as const;
  const binary = join(TARGETS, 'build', target.name);
  const run = new TargetRun(target, mvasEngine(REPOSITORY), binary);
  t.teardown(() => run.close(!t.passed));
  t.is(await run.start(), 'READY');
  const init = await run.initPid();
  const [child = ownPid()] = readChildren(asHostTid(init));
  const nsPid = String(readStatus(child).nsPid.at(-1));

  const directories = cgroupDirectories(
    placesIn(readCgroup(asHostTid(init)), readMountinfo(ownPid())),
  );
  // A cpuset takes no process until it has been given processors.
  const own = directories.filter((one) => one.endsWith(run.place.id) && !one.includes('/cpuset/'));
  t.true(own.length > 0, 'runc has made cgroups');
  for (const directory of own) {
    const below = join(directory, BELOW);
    mkdirSync(below);
    t.teardown(() => {
      rmdirSync(below);
    });
    move(child, below);
    const { result } = await run.checkpoint(true);
    t.not(result.status, 0, below);
    const says = new RegExp(
      `pid ${nsPid} \\(.+\\): is in cgroup \\S+${run.place.id}/${BELOW}, .*remedy`,
    );
    t.regex(result.stderr, says);
    move(child, directory);
  }

  const { result } = await run.checkpoint(true);
  t.is(result.status, 0, result.stderr);
  t.is(result.stderr.match(/an empty cgroup of the container is not kept/g)?.length, own.length);
  t.is(await run.go(), 'PASS');
});

function move(pid: number, directory: string): void {
  writeFileSync(join(directory, 'cgroup.procs'), String(pid));
}
