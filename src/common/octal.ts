// SPDX-License-Identifier: Apache-2.0

/** Characters that show_mountinfo() and seq_show_option() write as `\ooo`. */
const ESCAPED_IN_MOUNTS = ' \t\n\\#,=';

/**
 * Undoes `\ooo` only for the characters that a file escapes; others are left as they are.
 * Source: mangle_path() in fs/seq_file.c.
 */
export function unescapeOctal(text: string, escaped: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([0-7]{3})/g, (whole, digits: string) => {
    const character = String.fromCharCode(parseInt(digits, 8));
    return escaped.includes(character) ? character : whole;
  });
}

/** Decodes a field of /proc/PID/mountinfo. */
export function unescapeMount(text: string): string {
  return unescapeOctal(text, ESCAPED_IN_MOUNTS);
}
