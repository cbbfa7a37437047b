// SPDX-License-Identifier: Apache-2.0

/**
 * Writes the messages of all formats from `proto/`: an interface and a field table for each message. Run
 * `npm run build:ts && node dist/scripts/generate-messages.js` after changing a `.proto` file.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'prettier';
import { indexText, moduleText, typesOf, type Module } from './message-text.js';
import { parseProto } from './proto-parser.js';

/** A set of generated files. */
export interface Family {
  /** Their directory. */
  readonly folder: string;
  /** Begins the names of the interface and the tables of all messages. */
  readonly name: string;
  /** File name to its `.proto` below `proto/`. */
  readonly protos: Readonly<Record<string, string>>;
}

/** The messages of the shim: of containerd's task API version 2; version 3 has the same fields. */
const SHIM_PROTOS = {
  any: 'google/protobuf/any.proto',
  bootstrap: 'runtime/bootstrap/bootstrap.proto',
  content: 'services/content.proto',
  empty: 'google/protobuf/empty.proto',
  events: 'events/task.proto',
  forward: 'events/forward.proto',
  'metrics-v1': 'cgroups/v1.proto',
  'metrics-v2': 'cgroups/v2.proto',
  mount: 'types/mount.proto',
  'mvas-options': 'mvas/options.proto',
  'mvas-task': 'mvas/task.proto',
  'runc-options': 'runc/options.proto',
  runtime: 'types/runtime.proto',
  'runtime-options': 'runtimeoptions/options.proto',
  status: 'google/rpc/status.proto',
  task: 'runtime/task/shim_v2.proto',
  timestamp: 'google/protobuf/timestamp.proto',
  ttrpc: 'ttrpc/request.proto',
  version: 'services/version.proto',
} as const;

/** The messages of containerd's API, as the command line uses it, and of the shims that it asks. */
const CONTAINERD_PROTOS = {
  any: 'google/protobuf/any.proto',
  containers: 'services/containers.proto',
  empty: 'google/protobuf/empty.proto',
  'field-mask': 'google/protobuf/field_mask.proto',
  leases: 'services/leases.proto',
  mount: 'types/mount.proto',
  'mvas-options': 'mvas/options.proto',
  'mvas-task': 'mvas/task.proto',
  process: 'types/process.proto',
  'runc-options': 'runc/options.proto',
  shim: 'runtime/task/shim_v2.proto',
  snapshots: 'services/snapshots.proto',
  tasks: 'services/tasks.proto',
  timestamp: 'google/protobuf/timestamp.proto',
} as const;

/** All families. */
export async function families(): Promise<readonly Family[]> {
  const criu = (await readdir(join('proto', 'criu'))).sort();
  return [
    {
      folder: join('src', 'criu', 'image', 'messages'),
      name: 'Image',
      protos: Object.fromEntries(criu.map((file) => [basename(file, '.proto'), `criu/${file}`])),
    },
    {
      folder: join('src', 'shim', 'proto', 'messages'),
      name: 'Shim',
      protos: SHIM_PROTOS,
    },
    {
      folder: join('src', 'containerd', 'proto', 'messages'),
      name: 'Containerd',
      protos: CONTAINERD_PROTOS,
    },
  ];
}

/** The generated files of a family, by name. */
export async function generate(family: Family): Promise<ReadonlyMap<string, string>> {
  const modules: Module[] = [];
  for (const [group, path] of Object.entries(family.protos)) {
    const proto = parseProto(await readFile(join('proto', path), 'utf8'));
    modules.push({ group, path, proto });
  }
  const types = typesOf(modules);
  const files = new Map<string, string>();
  for (const module of modules) {
    files.set(`${module.group}.ts`, await pretty(moduleText(module, types)));
  }
  files.set('index.ts', await pretty(indexText(family.name, modules)));
  return files;
}

function pretty(text: string): Promise<string> {
  return format(text, { parser: 'typescript', printWidth: 100, singleQuote: true });
}

async function main(): Promise<void> {
  for (const family of await families()) {
    await mkdir(family.folder, { recursive: true });
    for (const [name, text] of await generate(family)) {
      await writeFile(join(family.folder, name), text);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
