// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';

/** A field of a message as its `.proto` file declares it. */
export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly label: 'required' | 'optional' | 'repeated' | 'packed';
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
  readonly messages: ProtoMessage[];
  readonly enums: ProtoEnum[];
}

const FIELD =
  /^(required|optional|repeated) (\w+) (\w+) = (\d+)(?: \[(packed|default) = [\w-]+\])?;$/;
const VALUE = /^(\w+) = (\d+);$/;
const OPEN = /^(message|enum) (\w+) \{$/;
const NOTHING = /^(|syntax = "proto2";|import "\w+\.proto";)$/;

/**
 * Parses the part of proto2 that `proto/criu` is written in: one declaration a line, comments above.
 *
 * @throws ShimError `invalidArgument` at the first line it does not know.
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

  line(line: string): boolean {
    const comment = /^\/\/ (.*)$/.exec(line);
    if (comment) {
      this.#comment.push(comment[1] ?? '');
      return true;
    }
    if (line === '' && !this.#message && this.#messages.length + this.#enums.length === 0) {
      this.#fileComment = this.#takeComment() ?? this.#fileComment;
    }
    return NOTHING.test(line) || this.#open(line) || this.#inside(line) || this.#close(line);
  }

  file(): ProtoFile {
    return { comment: this.#fileComment, messages: this.#messages, enums: this.#enums };
  }

  #open(line: string): boolean {
    const [, kind, name] = OPEN.exec(line) ?? [];
    if (name === undefined || this.#enum) return false;
    const comment = this.#takeComment();
    if (kind === 'enum') {
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
      return true;
    }
    const [, label, type, name, tag, option] = FIELD.exec(line) ?? [];
    if (!this.#message || type === undefined || name === undefined) return false;
    this.#message.fields.push({
      name,
      number: Number(tag),
      label: option === 'packed' ? 'packed' : (label as 'required' | 'optional' | 'repeated'),
      type,
      comment: this.#takeComment(),
    });
    return true;
  }

  #close(line: string): boolean {
    if (line !== '}') return false;
    if (this.#enum) this.#enum = undefined;
    else this.#message = undefined;
    return true;
  }

  #takeComment(): string | undefined {
    const lines = this.#comment.filter((line) => !line.startsWith('SPDX-'));
    this.#comment = [];
    return lines.length > 0 ? lines.join(' ') : undefined;
  }
}
