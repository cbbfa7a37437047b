// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { REPOSITORY } from '../paths.js';
import { observeService } from './json-service.js';
import type { Workload } from './workload.js';

/** A Node.js HTTP server with timers and two worker threads. */
export const NODE: Workload = {
  name: 'node',
  image: 'mvas.test/node:1',
  processes: 1,
  ahead: 10, // requests: only observing adds any
  observe: observeService,
  archive: async () => {
    const rootfs = new RootFilesystem();
    await rootfs.binary(process.execPath, 'usr/bin/node');
    const script = join(REPOSITORY, 'test/helpers/workloads/service.mjs');
    rootfs.content('service.mjs', await readFile(script, 'utf8'));
    return await imageArchive('mvas.test/node:1', rootfs, {
      args: ['/usr/bin/node', '/service.mjs'],
    });
  },
};
