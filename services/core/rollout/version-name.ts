/**
 * What a version of a model may be called: it names a folder, a queue, a metric label and a command's
 * argument, so it has no separators, starts like a word and is short.
 */

export const VERSION_NAME_LENGTH_MAX = 100;

export const VERSION_NAME_EXPECTED = `a version: letters, digits, ".", "_" and "-", a letter or digit first, at most ${VERSION_NAME_LENGTH_MAX} characters`;

const VERSION_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export function isVersionName(text: string): boolean {
  return text.length <= VERSION_NAME_LENGTH_MAX && VERSION_NAME.test(text);
}
