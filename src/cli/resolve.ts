// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import type { VasEntry } from '../criu/index.js';
import { nameOf } from './summary.js';

const SHOWN_MATCHES = 5;

/**
 * Finds the VAS a person means: by its id, else by its name, else by the beginning of its id.
 *
 * @throws ShimError `notFound` when there is none, `invalidArgument` when there are several.
 */
export function resolveVas(entries: readonly VasEntry[], wanted: string): VasEntry {
  const candidates = [
    entries.filter((entry) => entry.id === wanted),
    entries.filter((entry) => nameOf(entry) === wanted),
    entries.filter((entry) => entry.id.startsWith(wanted)),
  ].find((matches) => matches.length > 0);
  const [found, ...others] = candidates ?? [];
  if (!found) throw new ShimError('notFound', `no VAS '${wanted}'; 'mvas ls' shows what there is`);
  if (others.length === 0) return found;
  const ids = [found, ...others].slice(0, SHOWN_MATCHES).map((entry) => entry.id);
  const more = others.length + 1 > SHOWN_MATCHES ? ', ...' : '';
  throw new ShimError(
    'invalidArgument',
    `'${wanted}' is ambiguous: it may be any of ${ids.join(', ')}${more}`,
  );
}
