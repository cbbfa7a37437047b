// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { openBackend } from '../../../../src/criu/vas/backend.js';
import { CAPABILITY } from '../../../../src/criu/vas/kernel-abi.js';
import { KernelDevice } from '../../../../src/criu/vas/kernel-device.js';

/** A device that can do some things, and remembers whether it was closed. */
function device(capabilities: bigint): KernelDevice & { readonly closed: () => boolean } {
  let closed = false;
  const close = (): void => {
    closed = true;
  };
  return Object.assign(Object.create(KernelDevice.prototype) as KernelDevice, {
    capabilities,
    close,
    closed: () => closed,
  });
}

const FORK = CAPABILITY.fork | CAPABILITY.target;
const ALL = FORK | CAPABILITY.exec;
const none = (): undefined => undefined;

test('the kernel is taken where it can fork other processes, at its best', (t) => {
  const choice = (wish: string, capabilities: bigint): string => {
    const able = device(capabilities);
    const chosen = openBackend(wish, () => able);
    t.is(chosen?.device, able);
    t.false(able.closed());
    return chosen?.backend ?? '';
  };
  t.is(choice('', ALL), 'kernel-exec');
  t.is(choice('', FORK), 'kernel');
  t.is(choice('kernel', ALL), 'kernel');
  t.is(choice('kernel', FORK), 'kernel');
  t.is(choice('kernel-exec', ALL), 'kernel-exec');
});

test('the holder is taken elsewhere, and where it is wished for', (t) => {
  const unable = device(CAPABILITY.target);
  t.is(
    openBackend('', () => unable),
    undefined,
  );
  t.true(unable.closed());
  t.is(openBackend('', none), undefined);
  t.is(
    openBackend('holder', () => device(ALL)),
    undefined,
  );
});

test('a wish that cannot be met is refused', (t) => {
  const unable = device(CAPABILITY.fork);
  const refusal = { instanceOf: ShimError };
  t.throws(() => openBackend('kernel', none), { ...refusal, message: /no \/dev\/mvas/ });
  t.throws(() => openBackend('kernel', () => unable), { ...refusal, message: /cannot do that/ });
  t.true(unable.closed());
  const cannotExec = device(FORK);
  const message = /MVAS_BACKEND=kernel-exec: the module mvas cannot do that/;
  t.throws(() => openBackend('kernel-exec', () => cannotExec), { ...refusal, message });
  t.true(cannotExec.closed());
  t.throws(() => openBackend('both', none), { ...refusal, message: /neither holder, kernel nor/ });
});

test('where there is no device, none is opened', (t) => {
  t.is(KernelDevice.tryOpen('/nonexistent'), undefined);
  t.is(KernelDevice.tryOpen('/dev/null'), undefined);
});
