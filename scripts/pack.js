// SPDX-License-Identifier: Apache-2.0
// pack.js BUNDLE PACKED: turns a bundle, a CommonJS module in ASCII, into what scripts/load-packed.cjs runs: the length
// of its source in 4 bytes, the source as a function, and the compiled code of all its functions. V8 uses that code if
// its version, its flags and the length of the source are the same; otherwise it compiles the source. It does not
// compare the source, so both are in one file.
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

const [, , bundle, packed] = process.argv;
const source = `(function (require, module, exports, __filename) {${readFileSync(bundle, 'latin1')}\n})`;
setFlagsFromString('--no-lazy');
const script = new Script(source, { filename: bundle });
setFlagsFromString('--lazy'); // The code is for V8 with the flags that Node starts with.
const length = Buffer.alloc(4);
length.writeUInt32LE(source.length);
writeFileSync(
  packed,
  Buffer.concat([length, Buffer.from(source, 'latin1'), script.createCachedData()]),
);
