// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import type { ProtoEnum, ProtoField, ProtoFile, ProtoMessage } from './proto-parser.js';

const SCALARS: Readonly<Record<string, string>> = {
  uint32: 'number',
  int32: 'number',
  sint32: 'number',
  uint64: 'bigint',
  int64: 'bigint',
  sint64: 'bigint',
  fixed64: 'bigint',
  bool: 'boolean',
  double: 'number',
  string: 'string',
  bytes: 'Uint8Array',
};

/** Fields of the image format that hold ids of the container, which its decoder brands (`src/common/ids.ts`). */
const IDS: Readonly<Record<string, 'NsPid' | 'NsTid'>> = {
  'pstree_entry.pid': 'NsPid',
  'pstree_entry.ppid': 'NsPid',
  'pstree_entry.pgid': 'NsPid',
  'pstree_entry.sid': 'NsPid',
  'pstree_entry.threads': 'NsTid',
  'posix_timer_entry.notify_thread_id': 'NsTid',
  'fown_entry.pid': 'NsTid',
  'file_lock_entry.pid': 'NsPid',
  'pidfd_entry.nspid': 'NsPid',
  'tty_info_entry.sid': 'NsPid',
  'tty_info_entry.pgrp': 'NsPid',
};

const LICENSE = '// SPDX-License-Identifier: Apache-2.0\n';
const TABLES = 'src/common/wire/tables';
const BRANDS = 'src/common/ids';

/** A `.proto` file, and the name of the module made of it. */
export interface Module {
  readonly group: string;
  /** The directory of the module. */
  readonly folder: string;
  /** Below `proto/`. */
  readonly path: string;
  readonly proto: ProtoFile;
}

/** A type as a field uses it. */
interface FieldType {
  /** Its name with its package. */
  readonly name: string;
  readonly typescript: string;
  readonly is: 'scalar' | 'message' | 'enum';
  /** The module that declares it, and where that lies; none for a scalar. */
  readonly group?: string;
  readonly folder?: string;
}

/** The declared types of all modules, by full name. */
export type Types = ReadonlyMap<string, FieldType>;

/** Collects what modules declare, for modules that refer to it. */
export function typesOf(modules: readonly Module[]): Types {
  const all = modules.flatMap(({ group, folder, proto }) => {
    const declared =
      (is: 'message' | 'enum') =>
      ({ name }: { readonly name: string }): FieldType => ({
        name: fullName(proto, name),
        typescript: pascal(name),
        is,
        group,
        folder,
      });
    return [...proto.messages.map(declared('message')), ...proto.enums.map(declared('enum'))];
  });
  return new Map(all.map((type) => [type.name, type]));
}

/** The text of a module, not yet formatted. */
export function moduleText(module: Module, types: Types): string {
  return new ModuleText(module, types).text();
}

class ModuleText {
  readonly #module: Module;
  readonly #types: Types;
  /** proto3 has packages, open enums and camelCase; CRIU's messages keep CRIU's names. */
  readonly #modern: boolean;

  constructor(module: Module, types: Types) {
    this.#module = module;
    this.#types = types;
    this.#modern = module.proto.syntax === 'proto3';
  }

  text(): string {
    const { group, path, proto } = this.#module;
    const from = `// Generated from proto/${path}; do not edit.\n`;
    const about = proto.comment ?? (proto.package === '' ? group : `Package \`${proto.package}\`.`);
    return [
      ...[LICENSE, from, `/** ${about} */\n`, this.#imports()],
      ...proto.enums.map(this.#modern ? openEnum : closedEnum),
      ...proto.messages.map((message) => this.#messageText(message)),
      this.#tables(),
      this.#modern ? '' : enumTables(this.#module),
    ]
      .join('')
      .replaceAll(/([};])\n\/\*\*/g, '$1\n\n/**');
  }

  #imports(): string {
    const { folder: here } = this.#module;
    const wanted = new Map<string, Set<string>>();
    for (const { type } of this.#module.proto.messages.flatMap((message) => message.fields)) {
      const resolved = this.#resolve(type);
      const { group, folder = '', typescript } = resolved;
      if (group === undefined || group === this.#module.group) continue;
      const named = this.#nameHere(resolved);
      const name = named === typescript ? named : `${typescript} as ${named}`;
      const file = pathFrom(here, `${folder}/${group}`);
      wanted.set(file, (wanted.get(file) ?? new Set()).add(name));
    }
    const lines = [...wanted].map(
      ([file, names]) => `import type { ${[...names].sort().join(', ')} } from '${file}';\n`,
    );
    const kinds = this.#modern ? 'MessageTables' : 'EnumTables, MessageTables';
    const tables = `import type { ${kinds} } from '${pathFrom(here, TABLES)}';\n`;
    return `${this.#brands()}${tables}${lines.sort().join('')}\n`;
  }

  #brands(): string {
    const { folder, proto } = this.#module;
    const { messages } = proto;
    const all = messages.flatMap(({ name, fields }) => fields.map((field) => idOf(name, field)));
    const used = new Set(all.filter((brand) => brand !== undefined));
    const file = pathFrom(folder, BRANDS);
    return used.size === 0 ? '' : `import type { ${[...used].sort().join()} } from '${file}';\n`;
  }

  /** For proto3 also the full name, as a constant with the name of the type. */
  #messageText({ name, comment, fields }: ProtoMessage): string {
    const members = fields.map((field) => this.#member(name, field)).join('');
    const type =
      members === ''
        ? `export type ${pascal(name)} = object;\n\n`
        : `export interface ${pascal(name)} {\n${members}}\n\n`;
    if (!this.#modern) return `${doc(comment)}${type}`;
    const full = fullName(this.#module.proto, name);
    const about = doc(comment ?? `\`${full}\`.`);
    return `${about}${type}export const ${pascal(name)} = '${full}';\n`;
  }

  #member(message: string, field: ProtoField): string {
    const type = this.#resolve(field.type);
    const label = this.#labelOf(field);
    const name = idOf(message, field) ?? this.#nameHere(type);
    const base = this.#modern && type.is === 'message' ? `Partial<${name}>` : name;
    const head = `${doc(field.comment)}${this.#nameOf(field)}`;
    if (label === 'required' || label === 'implicit') return `${head}: ${base};\n`;
    if (label === 'optional') return `${head}?: ${base} | undefined;\n`;
    return `${head}: ${this.#modern ? 'readonly ' : ''}${base}[];\n`;
  }

  #tables(): string {
    const { group, proto } = this.#module;
    const messages = proto.messages.map(({ name, fields }) => {
      const rows = fields.map((field) => this.#row(field)).join();
      return `'${fullName(proto, name)}': [${rows}],\n`;
    });
    return (
      `/** Field tables of this file's messages. */\nexport const ${tableName(group, 'MESSAGES')} = {\n` +
      `${messages.join('')}} as const satisfies MessageTables;\n`
    );
  }

  #row(field: ProtoField): string {
    const name = this.#nameOf(field);
    const { name: type } = this.#resolve(field.type);
    return `['${name}', ${String(field.number)}, '${this.#labelOf(field)}', '${type}']`;
  }

  #nameOf({ name }: ProtoField): string {
    return this.#modern ? camel(name) : name;
  }

  /** The label, including what proto3 implies. */
  #labelOf({ label, type }: ProtoField): string {
    const { is } = this.#resolve(type);
    if (label === 'none') return is === 'message' ? 'optional' : 'implicit';
    const packs = is !== 'message' && type !== 'string' && type !== 'bytes';
    return label === 'repeated' && packs && this.#modern ? 'packed' : label;
  }

  /** The name of a type in this module, which may declare another type of the same name. */
  #nameHere({ typescript, group }: FieldType): string {
    const { group: here, proto } = this.#module;
    const clashes = proto.messages.some(({ name }) => pascal(name) === typescript);
    return group !== undefined && group !== here && clashes
      ? `${pascal(group)}${typescript}`
      : typescript;
  }

  /** An enum of proto3 is open: its values are numbers. */
  #resolve(type: string): FieldType {
    const typescript = SCALARS[type];
    if (typescript !== undefined) return { name: type, typescript, is: 'scalar' };
    const declared = this.#types.get(fullName(this.#module.proto, type)) ?? this.#types.get(type);
    if (!declared) throw new ShimError('invalidArgument', `generate messages: no type ${type}`);
    return this.#modern && declared.is === 'enum' ? this.#resolve('int32') : declared;
  }
}

/** The module in a folder that has all messages of a format. The names of its exports begin with `name`. */
export function indexText(name: string, folder: string, modules: readonly Module[]): string {
  const upper = name.toUpperCase();
  const closed = modules.filter(({ proto }) => proto.syntax === 'proto2');
  const tables = (kind: string, of: readonly Module[]): string =>
    of.map(({ group }) => `...${tableName(group, kind)},\n`).join('');
  const member = ({ group, proto }: Module) => {
    return (message: ProtoMessage): string =>
      `'${fullName(proto, message.name)}': ${pascal(group)}.${pascal(message.name)};\n`;
  };
  return [
    LICENSE,
    '// Generated from proto/; do not edit.\n',
    ...modules.map((module) => importText(folder, module)),
    ...modules.map(
      (module) => `import type * as ${pascal(module.group)} from '${fileOf(folder, module)}';\n`,
    ),
    ...closed.map((module) => `export type * from '${fileOf(folder, module)}';\n`),
    `\n/** Message name to interface. */\nexport interface ${name}Messages {\n`,
    ...modules.flatMap((module) => module.proto.messages.map(member(module))),
    `}\n\n/** Field tables of all messages. */\nexport const ${upper}_MESSAGES = {\n`,
    `${tables('MESSAGES', modules)}} as const;\n`,
    closed.length === 0
      ? ''
      : `\n/** Numbers of all enums. */\nexport const ${upper}_ENUMS = {\n${tables('ENUMS', closed)}} as const;\n`,
  ].join('');
}

function importText(folder: string, module: Module): string {
  const { group, proto } = module;
  const kinds = proto.syntax === 'proto2' ? ['ENUMS', 'MESSAGES'] : ['MESSAGES'];
  const names = kinds.map((kind) => tableName(group, kind)).join(', ');
  return `import { ${names} } from '${fileOf(folder, module)}';\n`;
}

/** How a file in a folder names a module. */
function fileOf(folder: string, module: Module): string {
  return pathFrom(folder, `${module.folder}/${module.group}`);
}

function pathFrom(folder: string, file: string): string {
  const path = posix.relative(folder, `${file}.js`);
  return path.startsWith('.') ? path : `./${path}`;
}

/** The brand of a field that is an id. */
function idOf(message: string, { name }: ProtoField): string | undefined {
  return IDS[`${message}.${name}`];
}

/** An enum of proto2: its words. */
function closedEnum({ name, comment, values }: ProtoEnum): string {
  const words = values.map(([word]) => `'${word}'`).join(' | ');
  return `${doc(comment)}export type ${pascal(name)} = ${words};\n`;
}

/** An enum of proto3: its numbers. */
function openEnum({ name, comment, values }: ProtoEnum): string {
  return `${doc(comment)}export const ${pascal(name)} = {${numbers(values)}} as const;\n`;
}

function enumTables({ group, proto }: Module): string {
  const enums = proto.enums.map(({ name, values }) => `${name}: {${numbers(values)}},\n`);
  return (
    `/** Numbers of this file's enums. */\nexport const ${tableName(group, 'ENUMS')} = {\n` +
    `${enums.join('')}} as const satisfies EnumTables;\n`
  );
}

function numbers(values: ProtoEnum['values']): string {
  return values.map(([word, value]) => `${word}: ${String(value)}`).join();
}

function doc(comment: string | undefined): string {
  return comment === undefined ? '' : `/** ${comment} */\n`;
}

function tableName(group: string, kind: string): string {
  return `${group.replaceAll('-', '_').toUpperCase()}_${kind}`;
}

function fullName(proto: ProtoFile, name: string): string {
  return proto.package === '' ? name : `${proto.package}.${name}`;
}

function pascal(name: string): string {
  return name.replace(/(?:^|[_.-])([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
