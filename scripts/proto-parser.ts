// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';

/** A field of a message as its `.proto` file declares it. */
export interface ProtoField {
  readonly name: string;
  readonly number: number;
  /** `none` in proto3. */
  readonly label: 'required' | 'optional' | 'repeated' | 'packed' | 'none';
  /** As written: without a package if it is the file's own. */
  readonly type: string;
  readonly comment: string | undefined;
}

/** A message of a `.proto` file. */
export interface ProtoMessage {
  readonly name: string;
  readonly comment: string | undefined;
  readonly fields: ProtoField[];
}

/** An enum of a `.proto` file, wherever it was nested. */
export interface ProtoEnum {
  readonly name: string;
  readonly comment: string | undefined;
  readonly values: (readonly [string, number])[];
}

/** All that one `.proto` file declares, in its order. */
export interface ProtoFile {
  readonly comment: string | undefined;
  /** The package; empty for none. */
  readonly package: string;
  readonly syntax: 'proto2' | 'proto3';
  readonly messages: ProtoMessage[];
  readonly enums: ProtoEnum[];
}

const FIELD =
  /^(?:(required|optional|repeated) )?([\w.]+) (\w+) = (\d+)(?: \[(packed|default) = [\w-]+\])?;$/;
const MAP = /^map<(\w+), ([\w.]+)> (\w+) = (\d+);$/;
const VALUE = /^(\w+) = (\d+);$/;
const OPEN = /^(message|enum|service) (\w+) \{$/;
const HEAD = /^(?:syntax = "(proto[23])"|package ([\w.]+));$/;
const NOTHING = /^(|import "[\w/]+\.proto";)$/;
const RESERVED = /^reserved \d+;$/;
const COMMENTED = /^(?:(.*;) )?\/\/ (.*)$/;
const RPC = /^rpc \w+\([\w.]+\) returns \((?:stream )?[\w.]+\);$/;

/**
 * Parses the part of protobuf that `proto/` is written in: one declaration per line, comments above or
 * after it. A map becomes a list of messages with key and value, as it is on the wire. Services are skipped.
 *
 * @throws ShimError `invalidArgument` at the first line it does not understand.
 */
export function parseProto(text: string): ProtoFile {
  const parser = new Parser();
  text.split('\n').forEach((line, index) => {
    if (!parser.line(line.trim())) {
      throw new ShimError('invalidArgument', `parse proto: line ${String(index + 1)}: ${line}`);
    }
  });
  return parser.file();
}

class Parser {
  readonly #messages: ProtoMessage[] = [];
  readonly #enums: ProtoEnum[] = [];
  #fileComment: string | undefined;
  #comment: string[] = [];
  #message: ProtoMessage | undefined;
  #enum: ProtoEnum | undefined;
  #service = false;
  #syntax: 'proto2' | 'proto3' = 'proto2';
  #package = '';

  line(text: string): boolean {
    const [, line = '', comment] = COMMENTED.exec(text) ?? [text, text];
    if (comment !== undefined) {
      this.#comment.push(comment);
      if (line === '') return true;
    }
    if (line === '' && !this.#message && this.#messages.length + this.#enums.length === 0) {
      this.#fileComment = this.#takeComment() ?? this.#fileComment;
    }
    return NOTHING.test(line) || this.#known(line);
  }

  #known(line: string): boolean {
    return this.#head(line) || this.#open(line) || this.#inside(line) || this.#close(line);
  }

  file(): ProtoFile {
    return {
      comment: this.#fileComment,
      package: this.#package,
      syntax: this.#syntax,
      messages: this.#messages,
      enums: this.#enums,
    };
  }

  #head(line: string): boolean {
    const [all, syntax, name] = HEAD.exec(line) ?? [];
    if (syntax !== undefined) this.#syntax = syntax as 'proto2' | 'proto3';
    this.#package = name ?? this.#package;
    return all !== undefined;
  }

  #open(line: string): boolean {
    const [, kind, name] = OPEN.exec(line) ?? [];
    if (name === undefined || this.#enum) return false;
    const comment = this.#takeComment();
    if (kind === 'service') {
      this.#service = true;
    } else if (kind === 'enum') {
      this.#enum = { name, comment, values: [] };
      this.#enums.push(this.#enum);
    } else {
      this.#message = { name, comment, fields: [] };
      this.#messages.push(this.#message);
    }
    return true;
  }

  #inside(line: string): boolean {
    const [, word, number] = VALUE.exec(line) ?? [];
    if (word !== undefined && this.#enum) {
      this.#enum.values.push([word, Number(number)]);
      this.#takeComment();
      return true;
    }
    if (RESERVED.test(line)) {
      this.#takeComment();
      return this.#message !== undefined;
    }
    if (this.#service && RPC.test(line)) {
      this.#takeComment();
      return true;
    }
    return this.#field(line) || this.#map(line);
  }

  #field(line: string): boolean {
    const [, label, type, name, tag, option] = FIELD.exec(line) ?? [];
    if (!this.#message || type === undefined || name === undefined) return false;
    if (label === undefined && this.#syntax === 'proto2') return false;
    this.#message.fields.push({
      name,
      number: Number(tag),
      label: option === 'packed' ? 'packed' : ((label ?? 'none') as ProtoField['label']),
      type,
      comment: this.#takeComment(),
    });
    return true;
  }

  #map(line: string): boolean {
    const [, key, value, name, tag] = MAP.exec(line) ?? [];
    if (!this.#message || key === undefined || value === undefined || name === undefined) {
      return false;
    }
    const comment = this.#takeComment();
    const word = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    const type = `${this.#message.name}.${word}Entry`;
    this.#message.fields.push({ name, number: Number(tag), label: 'repeated', type, comment });
    const none = { label: 'none', comment: undefined } as const;
    const fields = [
      { name: 'key', number: 1, type: key, ...none },
      { name: 'value', number: 2, type: value, ...none },
    ];
    this.#messages.push({ name: type, comment: undefined, fields });
    return true;
  }

  #close(line: string): boolean {
    if (line !== '}') return false;
    if (this.#enum) this.#enum = undefined;
    else this.#message = undefined;
    this.#service = false;
    return true;
  }

  #takeComment(): string | undefined {
    const lines = this.#comment.filter((line) => !line.startsWith('SPDX-'));
    this.#comment = [];
    return lines.length > 0 ? lines.join(' ') : undefined;
  }
}
