// SPDX-License-Identifier: Apache-2.0
// The program of a command, as scripts/bundle.sh places it: runs what scripts/pack.js has made.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const path = __filename.replace(/cjs$/, 'packed');
const packed = readFileSync(path);
const end = 4 + packed.readUInt32LE();
const source = packed.latin1Slice(4, end);
const script = new Script(source, { filename: path, cachedData: packed.subarray(end) });
script.runInThisContext()(require, module, module.exports, path);
