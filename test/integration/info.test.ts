// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { decode, encode } from '../../src/shim/proto/codec.js';
import { Any } from '../../src/common/messages/any.js';
import { Options as RuncOptions } from '../../src/common/messages/runc-options.js';
import { RuntimeInfo } from '../../src/shim/proto/messages/runtime.js';
import { BIN } from '../helpers/paths.js';

function info(input: Uint8Array): RuntimeInfo {
  const shim = join(BIN, 'containerd-shim-mvas-v1');
  const { status, stdout, stderr } = spawnSync(shim, ['-info'], { input });
  if (status !== 0) throw new Error(stderr.toString());
  return decode(RuntimeInfo, stdout);
}

test('-info names the runtime, and what runc can do', (t) => {
  const { name, version, features, options } = info(new Uint8Array(0));
  t.is(name, 'io.containerd.mvas.v1');
  t.regex(version?.version ?? '', /^\d+\.\d+\.\d+$/);
  t.is(options, undefined);
  t.regex(features?.typeUrl ?? '', /\/features\/Features$/);
  const document = JSON.parse(Buffer.from(features?.value ?? []).toString()) as object;
  t.true('ociVersionMin' in document);
});

test('-info gives the options back, and asks the runtime they name', (t) => {
  const value = encode(RuncOptions, { binaryName: '/bin/false' });
  const answer = info(encode(Any, { typeUrl: RuncOptions, value }));
  t.like(answer.options, { typeUrl: RuncOptions, value });
  t.is(answer.features, undefined);
});
