// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where /proc said that a container's stdin, stdout and stderr lead when it was started: such as
 * `/dev/null`, `pipe:[4711]`, `/var/log/x`.
 */
export type StdioLinks = readonly [stdin: string, stdout: string, stderr: string];

/** Field of libcontainer's State; strings as Go's encoding/json writes them. */
const FIELD = /"external_descriptors":(\[(?:"(?:[^"\\]|\\.)*",?)*\])/;

/** What runc noted of a container's stdio in its state; undefined where it did not. */
export function readStdioLinks(stateDirectory: string): StdioLinks | undefined {
  let state: string;
  try {
    state = readFileSync(join(stateDirectory, 'state.json'), 'utf8');
  } catch {
    return undefined; // Another runtime than runc.
  }
  const text = FIELD.exec(state)?.[1];
  const [stdin, stdout, stderr] = text === undefined ? [] : (JSON.parse(text) as string[]);
  if (stdin === undefined || stdout === undefined || stderr === undefined) return undefined;
  return [stdin, stdout, stderr];
}

/** The text of a runc state with other links. */
export function withStdioLinks(state: string, links: StdioLinks): string {
  return state.replace(FIELD, () => `"external_descriptors":${JSON.stringify(links)}`);
}
