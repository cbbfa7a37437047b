// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPid } from '../ids.js';
import { ShimError } from '../errors.js';
import type { StateFormat, StdioLinks } from './format.js';

const CONFIG = 'config.json';

/** The fields of crun's status that are used here. */
interface Status {
  readonly pid: HostPid;
  readonly 'process-start-time': number;
  readonly bundle: string;
  /** A list, as JSON. */
  readonly external_descriptors?: string;
}

/** crun 1.8 and later. Beside its status lies a copy of the spec that `crun exec` and `crun update` read. */
export const crunState: StateFormat = {
  file: 'status',

  read(text) {
    const status = parse(text);
    return {
      initPid: status.pid,
      initStart: String(status['process-start-time']),
      bundle: status.bundle,
      stdio: stdioOf(status),
    };
  },

  replaceInit(text, { pid, start, bundle, stdio }) {
    const status: Status = {
      ...parse(text),
      pid,
      'process-start-time': Number(start),
      bundle,
      external_descriptors: JSON.stringify(stdio),
    };
    return `${JSON.stringify({ ...status, rootfs: rootOf(bundle) }, undefined, 4)}\n`;
  },

  replaceOther(directory, { bundle }) {
    const path = join(directory, CONFIG);
    copyFileSync(join(bundle, CONFIG), `${path}.mvas`);
    renameSync(`${path}.mvas`, path);
  },
};

function parse(text: string): Status {
  const status = JSON.parse(text) as Partial<Status>;
  const { pid, 'process-start-time': start, bundle } = status;
  if (typeof pid === 'number' && typeof start === 'number' && typeof bundle === 'string') {
    return { ...status, pid, 'process-start-time': start, bundle };
  }
  throw new ShimError('internal', "this crun's status is unknown");
}

function stdioOf({ external_descriptors: text }: Status): StdioLinks | undefined {
  const [stdin, stdout, stderr] = text === undefined ? [] : (JSON.parse(text) as string[]);
  if (stdin === undefined || stdout === undefined || stderr === undefined) return undefined;
  return [stdin, stdout, stderr];
}

/** The root filesystem as the spec of a bundle names it. */
function rootOf(bundle: string): string | undefined {
  const spec = JSON.parse(readFileSync(join(bundle, CONFIG), 'utf8')) as {
    readonly root?: { readonly path?: string };
  };
  return spec.root?.path;
}
