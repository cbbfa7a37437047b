// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCommand } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { engine, Yard } from './harness.js';

/** FUSE served from outside the container, such as sshfs, mounted as a volume. */
const yard = new Yard();
test.after.always(() => {
  yard.close();
});

(existsSync('/dev/fuse') ? test : test.skip)(
  'files of a volume on FUSE are restored',
  async (t) => {
    t.timeout(120_000);
    const volume = join(yard.folder, 'volume');
    mkdirSync(volume);
    const server = spawn(yard.compile('fuse_outside'), [volume], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(server.stdout, 'readable');
    const target = {
      name: 'fuse-user',
      needs: [],
      expect: { kind: 'restore' },
      varies: [],
    } as const;
    const run = new TargetRun(target, engine, yard.compile('fuse_user'));
    t.teardown(async () => {
      await engine.discard(run.place);
      await run.close(!t.passed);
      await runCommand(['umount', volume]); // This ends the server.
    });
    const config = join(run.place.bundle, 'config.json');
    const spec = JSON.parse(readFileSync(config, 'utf8')) as { mounts: object[] };
    const options = ['rbind'];
    spec.mounts.push({ destination: '/mnt', type: 'bind', source: volume, options });
    writeFileSync(config, JSON.stringify(spec));
    t.is(await run.start(), 'READY');
    const { imagePath, result } = await run.checkpoint(false);
    t.is(result.status, 0, result.stderr);
    await run.restore(imagePath);
    t.is(await run.go(), 'PASS');
  },
);
