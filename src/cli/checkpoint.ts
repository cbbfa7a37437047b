// SPDX-License-Identifier: Apache-2.0
import { hostNamesOf } from '../common/host-names.js';
import { mountPlacesOf } from '../common/mount-places.js';
import { tmpfsMountsOf } from '../common/tmpfs-mounts.js';
import { checkpoint, DEFAULT_RETRY_MS, readSpec } from '../criu/index.js';
import { requireRoot } from './root.js';
import { DEFAULT_RUNC_ROOT, runcContainer } from './runc-container.js';
import { SignalRelay } from './signal-relay.js';
import { parseOptions, UsageError } from './usage.js';

export const CHECKPOINT_HELP = `Usage: mvas checkpoint [OPTIONS] CONTAINER

Checkpoints a container that runc runs into a new VAS. SIGINT, SIGTERM, SIGHUP and SIGQUIT cancel it: nothing is
left of it, and the container goes on.

Options:
      --image-path DIR  where the metadata goes (default: ./checkpoint)
      --leave-running   leave the container running; otherwise it is killed
      --retry-ms MS     how long to try again while something that soon ends stands in the way, such as an exec
                        (default: ${String(DEFAULT_RETRY_MS)})
      --runc-root DIR   runc's state directory (default: ${DEFAULT_RUNC_ROOT})
      --json            print what was done as JSON
`;

/** Runs `mvas checkpoint`; returns what to print. */
export async function runCheckpoint(args: readonly string[]): Promise<string> {
  const { values, positionals } = parseOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      'image-path': { type: 'string', default: 'checkpoint' },
      'leave-running': { type: 'boolean', default: false },
      'retry-ms': { type: 'string', default: String(DEFAULT_RETRY_MS) },
      'runc-root': { type: 'string', default: DEFAULT_RUNC_ROOT },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return CHECKPOINT_HELP;
  const [containerId, ...rest] = positionals;
  if (!containerId || rest.length > 0) throw new UsageError(`'checkpoint' takes one container`);
  const retryMs = parseMilliseconds(values['retry-ms']);
  requireRoot(`checkpoint ${containerId}`);
  const { initPid, bundle } = runcContainer(values['runc-root'], containerId);
  const spec = readSpec(bundle);
  const relay = new SignalRelay();
  const result = await checkpoint({
    containerId,
    spec,
    initPid,
    imagePath: values['image-path'],
    leaveRunning: values['leave-running'],
    runcRoot: values['runc-root'],
    tmpfsMounts: tmpfsMountsOf(spec),
    mountPlaces: mountPlacesOf(spec),
    hostNames: hostNamesOf(spec),
    retryMs,
    signal: relay.signal,
  }).finally(() => {
    relay.close();
  });
  return values.json ? `${JSON.stringify(result)}\n` : `${result.vasId}\n`;
}

function parseMilliseconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`not a number of milliseconds: '${text}'`);
  return Number(text);
}
