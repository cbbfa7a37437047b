// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/** Where a stream goes, as the client requested it. */
export type StreamTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'binary'; readonly path: string; readonly args: readonly string[] };

/**
 * Parses a stream's URI: nothing, a path or `fifo://` path, `file://` path, `binary://` path with the logger's
 * arguments as its query. Pure.
 *
 * @throws ShimError `unimplemented` for other schemes, `invalidArgument` for relative paths
 */
export function parseStream(uri: string): StreamTarget {
  if (uri === '') return { kind: 'none' };
  const [, scheme = 'fifo', rest = uri] = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/(.*)$/s.exec(uri) ?? [];
  const [path, query] = scheme === 'fifo' ? [rest, ''] : splitQuery(rest);
  if (!path.startsWith('/')) {
    throw new ShimError('invalidArgument', `stream ${JSON.stringify(uri)} is not an absolute path`);
  }
  if (scheme === 'fifo') return { kind: 'path', path };
  if (scheme === 'file') return { kind: 'file', path };
  if (scheme === 'binary') return { kind: 'binary', path, args: loggerArgs(query) };
  throw new ShimError('unimplemented', `streams of scheme ${scheme}:// are not supported`);
}

function splitQuery(rest: string): [string, string] {
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return [unescape(path), mark < 0 ? '' : rest.slice(mark + 1)];
}

function unescape(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ShimError('invalidArgument', `stream path ${path} is not well escaped`, { cause });
  }
}

/** Alternating keys and first values. */
function loggerArgs(query: string): string[] {
  const first = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (!first.has(key)) first.set(key, value);
  }
  return [...first].flatMap(([key, value]) => (value === '' ? [key] : [key, value]));
}
