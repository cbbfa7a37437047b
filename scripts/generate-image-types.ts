// SPDX-License-Identifier: Apache-2.0

/**
 * Writes `src/criu/image/messages/` from `proto/criu/`: an interface and a field table for each
 * message. Run `npx tsc && node dist/scripts/generate-image-types.js` after a change of a `.proto`.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'prettier';
import { parseProto, type ProtoEnum, type ProtoField, type ProtoFile } from './proto-parser.js';

const SCALARS: Readonly<Record<string, string>> = {
  uint32: 'number',
  int32: 'number',
  sint32: 'number',
  uint64: 'bigint',
  int64: 'bigint',
  sint64: 'bigint',
  fixed64: 'bigint',
  bool: 'boolean',
  string: 'string',
  bytes: 'Uint8Array',
};

const LICENSE = '// SPDX-License-Identifier: Apache-2.0\n';

/** The generated files, by name, for a folder of `.proto` files. */
export async function generate(protoFolder: string): Promise<ReadonlyMap<string, string>> {
  const protos = new Map<string, ProtoFile>();
  for (const name of (await readdir(protoFolder)).sort()) {
    const text = await readFile(join(protoFolder, name), 'utf8');
    protos.set(basename(name, '.proto'), parseProto(text));
  }
  const home = new Map<string, string>();
  for (const [group, proto] of protos) {
    for (const { name } of [...proto.messages, ...proto.enums]) home.set(name, group);
  }
  const files = new Map<string, string>();
  for (const [group, proto] of protos) {
    files.set(`${group}.ts`, await pretty(moduleText(group, proto, home)));
  }
  files.set('index.ts', await pretty(indexText(protos)));
  return files;
}

function moduleText(group: string, proto: ProtoFile, home: ReadonlyMap<string, string>): string {
  const body = [
    ...proto.enums.map(enumText),
    ...proto.messages.map(
      ({ name, comment, fields }) =>
        `${doc(comment)}export interface ${pascal(name)} {\n${fields.map(memberText).join('')}}\n\n`,
    ),
    `/** Field tables of this file's messages. */\nexport const ${tableName(group, 'MESSAGES')} = {\n` +
      proto.messages.map((m) => `${m.name}: [${m.fields.map(rowText).join()}],\n`).join('') +
      '} as const satisfies MessageTables;\n',
    `/** Numbers of this file's enums. */\nexport const ${tableName(group, 'ENUMS')} = {\n` +
      proto.enums
        .map((e) => `${e.name}: {${e.values.map(([n, v]) => `${n}: ${String(v)}`).join()}},\n`)
        .join('') +
      '} as const satisfies EnumTables;\n',
  ];
  const from = `// Generated from proto/criu/${group}.proto; do not edit.\n`;
  return [LICENSE, from, `/** ${proto.comment ?? group} */\n`, imports(group, proto, home), ...body]
    .join('')
    .replaceAll(/([};])\n\/\*\*/g, '$1\n\n/**');
}

function imports(group: string, proto: ProtoFile, home: ReadonlyMap<string, string>): string {
  const wanted = new Map<string, Set<string>>();
  for (const { type } of proto.messages.flatMap((message) => message.fields)) {
    const other = home.get(type);
    if (other === undefined || other === group) continue;
    wanted.set(other, (wanted.get(other) ?? new Set()).add(pascal(type)));
  }
  const lines = [...wanted].map(
    ([other, names]) => `import type { ${[...names].sort().join(', ')} } from './${other}.js';\n`,
  );
  return `import type { EnumTables, MessageTables } from '../fields.js';\n${lines.sort().join('')}\n`;
}

function enumText({ name, comment, values }: ProtoEnum): string {
  const words = values.map(([word]) => `'${word}'`).join(' | ');
  return `${doc(comment)}export type ${pascal(name)} = ${words};\n`;
}

function memberText({ name, label, type, comment }: ProtoField): string {
  const base = SCALARS[type] ?? pascal(type);
  const head = comment === undefined ? '' : doc(comment);
  if (label === 'required') return `${head}${name}: ${base};\n`;
  if (label === 'optional') return `${head}${name}?: ${base} | undefined;\n`;
  return `${head}${name}: ${base}[];\n`;
}

function rowText({ name, number, label, type }: ProtoField): string {
  return `['${name}', ${String(number)}, '${label}', '${type}']`;
}

function indexText(protos: ReadonlyMap<string, ProtoFile>): string {
  const groups = [...protos.keys()];
  const names = [...protos.values()].flatMap((proto) => proto.messages.map(({ name }) => name));
  const spread = (kind: string): string =>
    groups.map((group) => `...${tableName(group, kind)},\n`).join('');
  return [
    LICENSE,
    '// Generated from proto/criu; do not edit.\n',
    ...groups.map(
      (g) => `import { ${tableName(g, 'ENUMS')}, ${tableName(g, 'MESSAGES')} } from './${g}.js';\n`,
    ),
    ...[...protos].map(
      ([g, proto]) =>
        `import type { ${proto.messages.map(({ name }) => pascal(name)).join()} } from './${g}.js';\n`,
    ),
    ...groups.map((g) => `export type * from './${g}.js';\n`),
    '\n/** Message name to interface. */\nexport interface ImageMessages {\n',
    ...names.map((name) => `${name}: ${pascal(name)};\n`),
    '}\n\n/** Field tables of all messages. */\nexport const IMAGE_MESSAGES = {\n',
    spread('MESSAGES'),
    '} as const;\n\n/** Numbers of all enums. */\nexport const IMAGE_ENUMS = {\n',
    spread('ENUMS'),
    '} as const;\n',
  ].join('');
}

function doc(comment: string | undefined): string {
  return comment === undefined ? '' : `/** ${comment} */\n`;
}

function tableName(group: string, kind: string): string {
  return `${group.toUpperCase()}_${kind}`;
}

function pascal(name: string): string {
  return name.replace(/(?:^|_)([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function pretty(text: string): Promise<string> {
  return format(text, { parser: 'typescript', printWidth: 100, singleQuote: true });
}

async function main(): Promise<void> {
  const folder = join('src', 'criu', 'image', 'messages');
  await mkdir(folder, { recursive: true });
  for (const [name, text] of await generate(join('proto', 'criu'))) {
    await writeFile(join(folder, name), text);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
