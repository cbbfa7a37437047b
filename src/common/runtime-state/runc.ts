// SPDX-License-Identifier: Apache-2.0
import { asHostPid } from '../ids.js';
import { ShimError } from '../errors.js';
import type { StateFormat, StdioLinks } from './format.js';

/** Strings as Go's encoding/json writes them. */
const STDIO = /"external_descriptors":(\[(?:"(?:[^"\\]|\\.)*",?)*\])/;

/**
 * runc 1.1 to 1.3: fields of libcontainer's State and its Config. Handled as text, not as JSON: numbers of 64 bits
 * must not change.
 */
export const runcState: StateFormat = {
  file: 'state.json',

  read(text) {
    const pid = /"init_process_pid":(\d+)/.exec(text)?.[1];
    const start = /"init_process_start":(\d+)/.exec(text)?.[1];
    const bundle = /"bundle=((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? '';
    return {
      initPid: asHostPid(Number(pid ?? 0)),
      initStart: start ?? '',
      bundle: JSON.parse(`"${bundle}"`) as string,
      stdio: stdioOf(text),
    };
  },

  replaceInit(text, { before, pid, start, bundle, stdio }) {
    const after = text
      .replace(STDIO, () => `"external_descriptors":${JSON.stringify(stdio)}`)
      .replace(/"init_process_pid":\d+/, `"init_process_pid":${String(pid)}`)
      .replace(/"init_process_start":\d+/, `"init_process_start":${start}`)
      .replaceAll(`"/proc/${String(before.pid)}/ns/`, `"/proc/${String(pid)}/ns/`)
      .replaceAll(JSON.stringify(`bundle=${before.bundle}`), () =>
        JSON.stringify(`bundle=${bundle}`),
      );
    if (after.includes(`"init_process_pid":${String(pid)}`)) return after;
    throw new ShimError('internal', "replace a container's init: this runc's state is unknown");
  },
};

function stdioOf(text: string): StdioLinks | undefined {
  const found = STDIO.exec(text)?.[1];
  const [stdin, stdout, stderr] = found === undefined ? [] : (JSON.parse(found) as string[]);
  if (stdin === undefined || stdout === undefined || stderr === undefined) return undefined;
  return [stdin, stdout, stderr];
}
