// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { CONTAINERD_OPTIONS, placeOf } from '../containerd.js';
import { requireRoot } from '../root.js';
import { defineVerb, EXIT } from '../verb.js';

/** How long calls may go on once the service has to end; systemd kills after 90 s. */
const GRACE_MS = 20_000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Offers the verbs about snapshots over gRPC. */
export const serve = defineVerb({
  name: 'serve',
  summary: 'offer snapshot, fork, rollback and others as a service, over gRPC',
  description: `Serves gRPC on a unix socket that only root can use: the service mvas.v1.Mvas, which
    proto/mvas/service.proto describes. Snapshot, Fork, Rollback, List, Inspect, Remove and Prune do what the commands do;
    long ones tell what they are doing, and a call that is cancelled or whose deadline passes is undone. Watch tells of
    snapshots that begin and end, whoever makes and removes them. Commands work with and without the service.

    SIGTERM ends it: it takes no more calls, and those under way have ${String(GRACE_MS / 1000)} seconds to end before they are undone; after a
    second SIGTERM they are undone at once. A socket that a killed service has left is replaced.`,
  options: {
    socket: {
      type: 'string',
      short: 's',
      value: 'PATH',
      help: 'where to listen (default: mvas.sock in the directory of VASes, so /run/mvas/mvas.sock)',
      words: 'file',
    },
    ...CONTAINERD_OPTIONS,
  },
  examples: [
    ['mvas serve', 'serves on /run/mvas/mvas.sock'],
    ['mvas install --as service', 'installs a unit of systemd that does so'],
  ],
  async run({ values }, context) {
    requireRoot(context, 'serve');
    const place = placeOf(values);
    const { vasRoot } = await import('../../criu/index.js');
    const { Service } = await import('../service/service.js');
    const path = values.socket ?? join(vasRoot(), 'mvas.sock');
    const [first, second] = nextSignals(); // Before anybody can know of the service.
    const service = await Service.start(path, { context, place, root: vasRoot() });
    context.writeOut(`serving on ${path}\n`);
    await first;
    const ended = service.end(GRACE_MS);
    await Promise.race([ended, second.then(() => service.end(0))]);
    return EXIT.ok;
  },
});

/** They resolve with the first and the second signal from now on; a third one is not taken. */
function nextSignals(): readonly [Promise<void>, Promise<void>] {
  const takers: (() => void)[] = [];
  const next = (): Promise<void> => new Promise((resolve) => takers.push(resolve));
  const take = (): void => {
    takers.shift()?.();
    if (takers.length === 0) for (const name of SIGNALS) process.off(name, take);
  };
  for (const name of SIGNALS) process.on(name, take);
  return [next(), next()];
}
