// SPDX-License-Identifier: Apache-2.0
// The program of a command, as scripts/bundle.sh places it: runs what scripts/pack.js has made.
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

// What takes Node milliseconds to load, and not every verb uses. The bundle asks for all at its start.
const LOADED_AT_USE = /^node:(child_process|crypto|fs\/promises|net|os|zlib)$/;

function requireFor(id) {
  if (!LOADED_AT_USE.test(id)) return require(id);
  return new Proxy({}, { get: (_, name) => require(id)[name] });
}

const path = __filename.replace(/cjs$/, 'packed');
const packed = readFileSync(path);
const end = 4 + packed.readUInt32LE();
const source = packed.latin1Slice(4, end);
const script = new Script(source, { filename: path, cachedData: packed.subarray(end) });
script.runInThisContext()(requireFor, { exports: {} }, path);
