// SPDX-License-Identifier: Apache-2.0
import { readFile, readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { REPOSITORY } from '../paths.js';
import { observeService } from './json-service.js';
import type { Workload } from './workload.js';

const LEAVE_OUT = [
  '__pycache__',
  ...['test', 'lib2to3', 'idlelib', 'ensurepip', 'distutils', 'pydoc_data', 'unittest', 'tkinter'],
  ...['turtledemo', 'dist-packages'],
];

/** Adds this host's Python and its library; resolves with the path of the interpreter. */
export async function addPython(rootfs: RootFilesystem): Promise<string> {
  const python = await realpath('/usr/bin/python3'); // its name has the version
  const library = join('/usr/lib', basename(python));
  await rootfs.binary(python);
  const config = (await readdir(library)).filter((name) => name.startsWith('config-'));
  await rootfs.tree(library, new Set([...LEAVE_OUT, ...config]));
  const modules = join(library, 'lib-dynload');
  for (const name of await readdir(modules)) await rootfs.libraries(join(modules, name));
  return python;
}

async function archive(): Promise<string> {
  const rootfs = new RootFilesystem();
  const python = await addPython(rootfs);
  const script = join(REPOSITORY, 'test/helpers/workloads/service.py');
  rootfs.content('service.py', await readFile(script, 'utf8'));
  return await imageArchive('mvas.test/python:1', rootfs, {
    args: [python, '-I', '-S', '/service.py'],
    env: ['PYTHONDONTWRITEBYTECODE=1'],
  });
}

/** A Python program with threads, two subprocesses, and pipes between them. */
export const PYTHON: Workload = {
  name: 'python',
  image: 'mvas.test/python:1',
  processes: 3,
  ahead: 10, // sums of a child: only observing adds any
  observe: observeService,
  archive,
};
