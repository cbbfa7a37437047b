// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/** Annotation: when a snapshot is taken, once, from which later containers like this one start. */
export const WHEN = 'mvas.snapshot.when';

/** What a container waits for before its snapshot is taken. */
export type When =
  /** Its output contains a text. */
  | { readonly kind: 'log'; readonly text: string }
  /** One of its processes listens on a TCP port. */
  | { readonly kind: 'port'; readonly port: number }
  /** It has a file, by an absolute path. */
  | { readonly kind: 'file'; readonly path: string };

const MOST_TEXT = 1000;
const MOST_PORT = 65_535;

/** Reads the annotation; undefined without it. @throws ShimError `invalidArgument` */
export function parseWhen(value: string | undefined): When | undefined {
  if (value === undefined) return undefined;
  const [, kind, what = ''] = /^(log|port|file):(.+)$/.exec(value) ?? [];
  if (kind === 'log' && Buffer.byteLength(what) <= MOST_TEXT) return { kind, text: what };
  const port = Number(what);
  if (kind === 'port' && /^\d+$/.test(what) && port >= 1 && port <= MOST_PORT)
    return { kind, port };
  if (kind === 'file' && what.startsWith('/')) return { kind, path: what };
  const wanted = 'log:TEXT (a line of at most 1000 bytes), port:NUMBER or file:/PATH';
  const message = `annotation ${WHEN} is ${JSON.stringify(value)}, not ${wanted}`;
  throw new ShimError('invalidArgument', message);
}
