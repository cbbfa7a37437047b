// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import { formatJson } from '../../../src/common/big-json.js';
import { mountPlacesOf } from '../../../src/common/mount-places.js';
import { checkpoint } from '../../../src/criu/checkpoint/checkpoint.js';
import { donorSpec } from '../../../src/criu/restore/donor/donor-spec.js';
import { checkNamespaces, readLiveSpec, type NamespacesSpec } from '../../../src/criu/spec.js';

const PID = { type: 'pid' };

async function bundle(t: ExecutionContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mvas-spec-'));
  t.teardown(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'config.json'), text);
  return directory;
}

const withNamespaces = (...namespaces: readonly object[]): string =>
  JSON.stringify({ linux: { namespaces } });

test('what the restore asks for is read', async (t) => {
  const capabilities = { bounding: ['CAP_KILL'] };
  const process = { capabilities, noNewPrivileges: true, oomScoreAdj: 7 };
  const live = readLiveSpec(
    await bundle(t, JSON.stringify({ process, linux: { namespaces: [PID] } })),
  );
  t.deepEqual(live.process, process);
});

const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a time namespace': [withNamespaces(PID, { type: 'time' }), /a time namespace/],
  'the pid namespace of the host': [withNamespaces(), /pid namespace of the host/],
};

for (const [what, [text, message]] of Object.entries(REFUSED)) {
  test(`${what} is refused`, async (t) => {
    const directory = await bundle(t, text);
    const error = t.throws(() => readLiveSpec(directory), { instanceOf: ShimError, message });
    t.is(error?.kind, 'failedPrecondition');
  });

  test(`a checkpoint refuses ${what} as a restore does, before it begins`, async (t) => {
    const spec = JSON.parse(text) as NamespacesSpec;
    t.throws(
      () => {
        checkNamespaces(spec, 'checkpoint web');
      },
      { message: /^checkpoint web: .*; remedy: / },
    );
    const imagePath = join(await bundle(t, text), 'image');
    // prettier-ignore
    const work = checkpoint({ containerId: 'web', initPid: asHostPid(process.pid), spec, imagePath, leaveRunning: false,
      tmpfsMounts: [], mountPlaces: mountPlacesOf({}), hostNames: undefined });
    await t.throwsAsync(work, { instanceOf: ShimError, message });
    t.false(existsSync(imagePath));
  });
}

test('a bundle without a spec, or with a broken one, is a bad argument', async (t) => {
  const broken = await bundle(t, '{');
  for (const directory of [broken, join(broken, 'nothing')]) {
    const error = t.throws(() => readLiveSpec(directory), { instanceOf: ShimError });
    t.is(error?.kind, 'invalidArgument');
  }
});

test('the donor is the live container in the pid namespace of another, without a terminal', async (t) => {
  const text =
    '{"root":{"path":"rootfs","readonly":true},' +
    '"process":{"terminal":true,"rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615}]},' +
    '"linux":{"namespaces":[{"type":"mount"},{"type":"pid"}],"cgroupsPath":"/a/b"},"hostname":"h"}';
  const directory = await bundle(t, text);
  const spec = readLiveSpec(directory);
  const donor = formatJson(
    donorSpec(spec, { bundle: directory, initPid: asHostPid(42), hasTerminal: false }),
  );
  t.deepEqual(JSON.parse(donor), {
    ...(JSON.parse(text) as object),
    root: { path: join(directory, 'rootfs'), readonly: true },
    process: { terminal: false, rlimits: [{ type: 'RLIMIT_CORE', hard: 18446744073709551615 }] },
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'pid', path: '/proc/42/ns/pid' }],
      cgroupsPath: '/a/b',
    },
  });
  t.true(donor.includes('18446744073709551615'), 'the limit keeps all its digits');
  t.is(formatJson(spec), text, 'the live spec stays as it is');
});

test('a root filesystem elsewhere stays where it is', async (t) => {
  const directory = await bundle(t, withNamespaces(PID));
  const spec = readLiveSpec(directory);
  const donor = donorSpec(
    { ...spec, root: { path: '/var/lib/root' } },
    { bundle: directory, initPid: asHostPid(42), hasTerminal: false },
  );
  t.is(donor.root?.path, '/var/lib/root');
});
