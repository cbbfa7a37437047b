// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import test from 'ava';
import { asHostPid, ownPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { startDonor } from '../../../src/criu/restore/donor/donor.js';
import { createVas, removeVas } from '../../../src/criu/vas/store.js';

/**
 * Nothing waits forever for a process that does not answer. The tests run one after the other, because a donor makes
 * this process the parent of orphans, including holders.
 */
const root = mkdtempSync(join(tmpdir(), 'mvas-hanging-'));
process.env['MVAS_ROOT'] = join(root, 'vas');

test.after.always(() => {
  rmSync(root, { recursive: true, force: true });
});

test.serial('a holder that is stopped is given up', async (t) => {
  t.timeout(60_000);
  const { id, holder, lifeline } = await createVas();
  const { pid } = await holder.status();
  process.kill(pid, 'SIGSTOP');
  await t.throwsAsync(holder.seal(), {
    message: /the holder \(pid \d+ of the host\) does not answer/,
  });
  holder.close();
  lifeline.cut();
  await removeVas(id);
});

const ended = asHostPid(spawnSync('/bin/true').pid);
for (const [what, limitMs, initPid] of [
  ['that takes too long', 50, ownPid()],
  ['whose pid namespace has ended', 120_000, ended],
] as const) {
  test.serial(`a runc ${what} is ended, and what it has made is deleted`, async (t) => {
    const bundle = mkdtempSync(join(root, 'bundle-'));
    const deleted: string[] = [];
    const runc = {
      create: async ({ signal }: { readonly signal: AbortSignal }) => {
        const process = setInterval(() => undefined, 1_000); // An AbortSignal does not keep us alive; a process does.
        await once(signal, 'abort');
        clearInterval(process);
        throw new ShimError('unknown', 'run runc create: it did not end in time');
      },
      delete: (id: string) => {
        deleted.push(id);
        return Promise.resolve();
      },
    };
    const spec = { ociVersion: '1.0.2', root: { path: 'rootfs' }, linux: { namespaces: [] } };
    const request = { containerId: 'hangs', bundle, spec, initPid, runc };
    const start = startDonor({ ...request, consoleSocket: undefined, limitMs });
    await t.throwsAsync(start, { message: /it did not end in time/ });
    t.deepEqual(deleted, ['hangs']);
    t.deepEqual(readdirSync(bundle), []);
  });
}
