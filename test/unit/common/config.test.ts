// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decodeConfig, readConfig } from '../../../src/common/config.js';
import { ShimError } from '../../../src/common/errors.js';
import { parseShare, parseSize, parseSpan } from '../../../src/common/quantities.js';

const FILE = '/etc/mvas/config.toml';

const DEFAULT = {
  vas: { ttlMs: undefined, lease: 'none' },
  budget: { memory: undefined, share: undefined, reserve: 0.02 },
  snapshot: { share: [] },
};

function failureOf(text: string): string {
  try {
    return JSON.stringify(decodeConfig(text, FILE));
  } catch (error) {
    const { kind, message } = ShimError.from(error);
    return kind === 'failedPrecondition' ? message : `${kind} ${message}`;
  }
}

test('a file says everything, or a part, or nothing', (t) => {
  t.deepEqual(decodeConfig('', FILE), DEFAULT as never);
  const whole = `# of this host
[vas]
ttl = "12h"
lease = "image"
[budget]
memory = "8GiB"
share = "25%"
reserve = "5%"
[snapshot]
share = ["default", "k8s.io/team"]
`;
  t.deepEqual(decodeConfig(whole, FILE), {
    vas: { ttlMs: 12 * 3_600_000, lease: 'image' },
    budget: { memory: 8 * 2 ** 30, share: 0.25, reserve: 0.05 },
    snapshot: { share: ['default', 'k8s.io/team'] },
  });
  t.is(decodeConfig('budget.memory = 1048576', FILE).budget.memory, 1_048_576);
});

test('what is wrong is named with file and line', (t) => {
  const errors: readonly (readonly [string, RegExp])[] = [
    ['[vas]\n\nttl = "soon"\n', /config\.toml:3: vas\.ttl is "soon", not a time such as/],
    ['[budget]\nmemory = 0\n', /config\.toml:2: budget\.memory is 0, not a number of bytes/],
    ['[budget]\nmemory = true\n', /config\.toml:2: budget\.memory is true, not/],
    ['[budget]\nshare = "125%"\n', /config\.toml:2: budget\.share is "125%", not a share/],
    ['[vas]\nlease = "some"', /config\.toml:2: vas\.lease is "some", not one of none, image/],
    ['[snapshot]\nshare = [1]', /config\.toml:2: snapshot\.share is .*, not a list of names/],
    ['# x\n[vas]\nttk = "1h"\n', /config\.toml:3: vas\.ttk is not known; there are vas\.ttl, /],
    ['# x\n[waste]\nttl = "1h"\n', /config\.toml:3: waste\.ttl is not known/],
    ['\nvas = 3\n', /config\.toml:2: vas is not known/],
    ['[vas]\nttl = \n', /config\.toml:2: Invalid TOML/],
    ['[vas]\nttl = "1h"\nttl = "2h"\n', /config\.toml:3: Invalid TOML/],
    ['[vas]\n__proto__ = "1h"\n', /config\.toml:2: /],
  ];
  for (const [text, error] of errors) t.regex(failureOf(text), error, text);
});

test('a file that others may write is not used', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-config-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const inner = join(folder, 'mvas');
  const path = join(inner, 'config.toml');
  t.deepEqual(readConfig(path), DEFAULT as never);
  mkdirSync(inner, { mode: 0o755 });
  t.deepEqual(readConfig(path), DEFAULT as never);
  writeFileSync(path, '[vas]\nttl = "1h"\n', { mode: 0o644 });
  if (process.getuid?.() === 0) t.is(readConfig(path).vas.ttlMs, 3_600_000);
  chmodSync(path, 0o664);
  t.throws(() => readConfig(path), {
    message: /config\.toml: others than root may write it.*chmod/,
  });
  chmodSync(path, 0o644);
  chmodSync(inner, 0o777);
  t.throws(() => readConfig(path), { message: /others than root may write it/ });
});

test('quantities have units', (t) => {
  t.deepEqual(['90s', '15m', '12h', '7d', '7', 'd', '7 d'].map(parseSpan), [
    ...[90_000, 900_000, 43_200_000, 604_800_000],
    ...[undefined, undefined, undefined],
  ]);
  t.deepEqual(['4096', '1.5 GiB', '2KiB', '0', '1GB', '', '99999TiB'].map(parseSize), [
    ...[4096, 1.5 * 2 ** 30, 2048],
    ...[undefined, undefined, undefined, undefined],
  ]);
  t.deepEqual(['25%', '0.5 %', '100%', '101%', '25'].map(parseShare), [
    ...[0.25, 0.005, 1, undefined, undefined],
  ]);
});
