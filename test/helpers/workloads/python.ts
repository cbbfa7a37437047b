// SPDX-License-Identifier: Apache-2.0
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { REPOSITORY } from '../paths.js';
import { observeService } from './json-service.js';
import type { Workload } from './workload.js';

const LIBRARY = '/usr/lib/python3.11';
const LEAVE_OUT = new Set([
  '__pycache__',
  ...['test', 'lib2to3', 'idlelib', 'ensurepip', 'distutils', 'pydoc_data', 'unittest', 'tkinter'],
  ...['turtledemo', 'config-3.11-x86_64-linux-gnu', 'dist-packages'],
]);

async function archive(): Promise<string> {
  const rootfs = new RootFilesystem();
  await rootfs.binary('/usr/bin/python3.11');
  await rootfs.tree(LIBRARY, LEAVE_OUT);
  const modules = join(LIBRARY, 'lib-dynload');
  for (const name of await readdir(modules)) await rootfs.libraries(join(modules, name));
  const script = join(REPOSITORY, 'test/helpers/workloads/service.py');
  rootfs.content('service.py', await readFile(script, 'utf8'));
  return await imageArchive('mvas.test/python:1', rootfs, {
    args: ['/usr/bin/python3.11', '-I', '-S', '/service.py'],
    env: ['PYTHONDONTWRITEBYTECODE=1'],
  });
}

/** A Python program with threads, two subprocesses, and pipes between them. */
export const PYTHON: Workload = {
  name: 'python',
  image: 'mvas.test/python:1',
  processes: 3,
  observe: observeService,
  archive,
};
