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
  /** Begins the names of the interface and the tables of all messages; without it there is no module that has them. */
  readonly name?: string;
  /** File name to its `.proto` below `proto/`. */
  readonly protos: Protos;
  /** The same of messages that it shares with others; they lie in {@link SHARED}. */
  readonly shared?: Protos;
}

type Protos = Readonly<Record<string, string>>;

/** Where the messages are that several parts of the program have. */
const SHARED = join('src', 'common', 'messages');

/** Messages that the shim and its clients have; of the task API version 2: version 3 has the same fields. */
const SHARED_PROTOS = {
  any: 'google/protobuf/any.proto',
  containers: 'services/containers.proto',
  content: 'services/content.proto',
  empty: 'google/protobuf/empty.proto',
  'field-mask': 'google/protobuf/field_mask.proto',
  mount: 'types/mount.proto',
  'mvas-options': 'mvas/options.proto',
  'mvas-task': 'mvas/task.proto',
  'runc-options': 'runc/options.proto',
  snapshots: 'services/snapshots.proto',
  task: 'runtime/task/shim_v2.proto',
  timestamp: 'google/protobuf/timestamp.proto',
} as const;

/** Messages that only the shim has. */
const SHIM_PROTOS = {
  bootstrap: 'runtime/bootstrap/bootstrap.proto',
  events: 'events/task.proto',
  forward: 'events/forward.proto',
  'metrics-v1': 'cgroups/v1.proto',
  'metrics-v2': 'cgroups/v2.proto',
  runtime: 'types/runtime.proto',
  'runtime-options': 'runtimeoptions/options.proto',
  status: 'google/rpc/status.proto',
  ttrpc: 'ttrpc/request.proto',
  version: 'services/version.proto',
} as const;

/** Messages of containerd's API that only the command line uses. */
const CONTAINERD_PROTOS = {
  'container-events': 'events/container.proto',
  events: 'services/events.proto',
  leases: 'services/leases.proto',
  process: 'types/process.proto',
  tasks: 'services/tasks.proto',
} as const;

/** The messages of `mvas serve`. */
const SERVICE_PROTOS = {
  service: 'mvas/service.proto',
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
      shared: SHARED_PROTOS,
    },
    {
      folder: join('src', 'containerd', 'proto', 'messages'),
      name: 'Containerd',
      protos: CONTAINERD_PROTOS,
      shared: SHARED_PROTOS,
    },
    {
      folder: join('src', 'cli', 'service', 'messages'),
      name: 'Api',
      protos: SERVICE_PROTOS,
      shared: { timestamp: SHARED_PROTOS.timestamp },
    },
    { folder: SHARED, protos: SHARED_PROTOS },
  ];
}

/** The generated files of a family, by name. */
export async function generate(family: Family): Promise<ReadonlyMap<string, string>> {
  const { folder, name, protos, shared = {} } = family;
  const own = await modulesOf(folder, protos);
  const all = [...own, ...(await modulesOf(SHARED, shared))];
  const types = typesOf(all);
  const files = new Map<string, string>();
  for (const module of own) {
    files.set(`${module.group}.ts`, await pretty(moduleText(module, types)));
  }
  if (name !== undefined) files.set('index.ts', await pretty(indexText(name, folder, all)));
  return files;
}

async function modulesOf(folder: string, protos: Protos): Promise<Module[]> {
  const modules: Module[] = [];
  for (const [group, path] of Object.entries(protos)) {
    const proto = parseProto(await readFile(join('proto', path), 'utf8'));
    modules.push({ group, folder, path, proto });
  }
  return modules;
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
