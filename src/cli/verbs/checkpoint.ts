// SPDX-License-Identifier: Apache-2.0
import { hostNamesOf } from '../../common/host-names.js';
import { mountPlacesOf } from '../../common/mount-places.js';
import { tmpfsMountsOf } from '../../common/tmpfs-mounts.js';
import {
  DEFAULT_EXEC_MODE,
  DEFAULT_PRE_COPY,
  DEFAULT_RETRY_MS,
  DEFAULT_TWIN,
  EXEC_MODES,
  PRE_COPY_MODES,
  TWIN_MODES,
} from '../../criu/constants.js';
import { LIFE_OPTIONS, lifeRequestOf } from '../life-options.js';
import { tcpModeOf } from '../tcp-mode.js';
import { requireRoot } from '../root.js';
import {
  findContainer,
  ONE_CONTAINER,
  RUNTIME_OPTION,
  RUNTIME_ROOT_OPTION,
  runtimeOf,
} from '../runtime-container.js';
import { SignalRelay } from '../signal-relay.js';
import { formatJson } from '../text.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, JSON_OPTION } from '../verb.js';

/** Checkpoints a container of plain runc or crun. */
export const checkpoint = defineVerb({
  name: 'checkpoint',
  summary: 'checkpoint a container into a new VAS',
  description: `Checkpoints a running container of runc or crun into a new VAS, and prints the id of the VAS. SIGINT,
    SIGTERM, SIGHUP and SIGQUIT cancel the checkpoint: nothing of it remains, and the container keeps running.`,
  options: {
    'image-path': {
      type: 'string',
      value: 'DIR',
      default: 'checkpoint',
      help: 'directory for the metadata',
      words: 'directory',
    },
    'leave-running': {
      type: 'boolean',
      help: 'leave the container running; by default it is killed',
    },
    'pre-copy': {
      type: 'string',
      value: 'MODE',
      help: `copy memory before stopping the container: auto, never or always (${DEFAULT_PRE_COPY})`,
    },
    twin: {
      type: 'string',
      value: 'MODE',
      help: `copy memory after the stop, from children of the processes: auto, never or always (${DEFAULT_TWIN})`,
    },
    tcp: {
      type: 'string',
      value: 'MODE',
      help: 'keep: hold TCP connections open after the container is killed, for a restore with --tcp keep',
    },
    'tcp-established': { type: 'boolean', help: '--tcp keep, as CRIU calls it' },
    'retry-ms': {
      type: 'string',
      value: 'MS',
      default: String(DEFAULT_RETRY_MS),
      help: 'how long to retry while something temporary, such as an exec, prevents the checkpoint',
    },
    exec: {
      type: 'string',
      value: 'MODE',
      default: DEFAULT_EXEC_MODE,
      help: 'what becomes of processes that came by exec: keep, drop (leave them out) or refuse',
    },
    ...LIFE_OPTIONS,
    runtime: RUNTIME_OPTION,
    'runc-root': RUNTIME_ROOT_OPTION,
    json: JSON_OPTION,
  },
  arguments: ONE_CONTAINER,
  examples: [
    [
      'mvas checkpoint --image-path /tmp/ckpt --leave-running web',
      'checkpoints the container web, which keeps running',
    ],
  ],
  async run({ values, words: [containerId = ''] }, context) {
    const retryMs = parseMilliseconds(values['retry-ms']);
    const preCopy = values['pre-copy'] && parseMode(values['pre-copy'], PRE_COPY_MODES);
    const exec = parseMode(values.exec, EXEC_MODES);
    const twin = values.twin && parseMode(values.twin, TWIN_MODES);
    const life = lifeRequestOf(values);
    const keepsConnections = tcpModeOf(values) === 'keep';
    requireRoot(context, `checkpoint ${containerId}`);
    const runtime = runtimeOf(values);
    const { initPid, bundle } = findContainer(runtime, containerId);
    const { checkpoint: takeCheckpoint, readSpec } = await import('../../criu/index.js');
    const spec = readSpec(bundle);
    const relay = new SignalRelay();
    const result = await takeCheckpoint({
      containerId,
      spec,
      initPid,
      imagePath: values['image-path'],
      leaveRunning: values['leave-running'],
      keepsConnections,
      runcRoot: runtime.root,
      tmpfsMounts: tmpfsMountsOf(spec),
      mountPlaces: mountPlacesOf(spec),
      hostNames: hostNamesOf(spec),
      ...{ retryMs, exec, life },
      ...(preCopy ? { preCopy } : {}),
      ...(twin ? { twin } : {}),
      signal: relay.signal,
    }).finally(() => {
      relay.close();
    });
    context.writeOut(values.json ? formatJson(result) : `${result.vasId}\n`);
    return EXIT.ok;
  },
});

function parseMilliseconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`not a number of milliseconds: '${text}'`);
}

function parseMode<T extends string>(text: string, modes: readonly T[]): T {
  const mode = modes.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new UsageError(`not one of ${modes.join(', ')}: '${text}'`);
}
