// SPDX-License-Identifier: Apache-2.0
import { Schema } from '../../common/wire/schema.js';
import { FDINFO_FORMS, FILE_FORMS } from './file-forms.js';
import { FDINFO_SHORTCUT, FILE_SHORTCUT, REG_SHORTCUT } from './file-shortcuts.js';
import { STREAM_FORMS } from './socket-forms.js';
import { INET_SHORTCUT, STREAM_SHORTCUT } from './socket-shortcuts.js';
import { IMAGE_ENUMS, IMAGE_MESSAGES } from './messages/index.js';
import type { ImageMessages } from './types.js';
import { VMA_ROWS } from './vma-rows.js';

/** Name of a message of the image format. */
export type MessageName = keyof ImageMessages;

/** The messages of the image format. Images are hostile until validated, so unknown fields are refused. */
export const IMAGE_SCHEMA = new Schema<ImageMessages>('strict', IMAGE_MESSAGES, IMAGE_ENUMS, {
  rows: { vma_entry: VMA_ROWS },
  forms: { fdinfo_entry: FDINFO_FORMS, file_entry: FILE_FORMS, tcp_stream_entry: STREAM_FORMS },
  shortcuts: {
    fdinfo_entry: FDINFO_SHORTCUT,
    file_entry: FILE_SHORTCUT,
    reg_file_entry: REG_SHORTCUT,
    inet_sk_entry: INET_SHORTCUT,
    tcp_stream_entry: STREAM_SHORTCUT,
  },
});
