// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { addPython } from '../workloads/python.js';
import type { App } from './app.js';

const IMAGE = 'mvas.test/app-python:1';

/** What run.sh needs. */
const APPLETS = ['mkdir', 'mv', 'sh', 'sleep', 'tail'];

/** A server in Python with 500 connections to its client; made of what this host has. */
export const CONNECTIONS: App = {
  name: '500 connections of Python',
  image: IMAGE,
  load: ['python3', '-S', '/app/connections.py'],
  archive: async () => {
    const rootfs = new RootFilesystem();
    rootfs.symlink('usr/bin/python3', basename(await addPython(rootfs)));
    await rootfs.binary('/usr/bin/busybox', 'usr/bin/busybox');
    for (const applet of APPLETS) rootfs.symlink(`usr/bin/${applet}`, 'busybox');
    return await imageArchive(IMAGE, rootfs, { args: ['sh'], env: ['PYTHONDONTWRITEBYTECODE=1'] });
  },
};
