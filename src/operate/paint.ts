// Colours of a terminal, by what a word means.

export type Style = 'head' | 'good' | 'bad' | 'open' | 'faint'
export type Paint = (style: Style | null, text: string) => string

const codes: Readonly<Record<Style, string>> = { head: '1', good: '32', bad: '1;31', open: '33', faint: '2' }

export const painter =
  (hasColours: boolean): Paint =>
  (style, text) =>
    hasColours && style !== null && text.trim() !== '' ? `\u001b[${codes[style]}m${text}\u001b[0m` : text

const meanings: Readonly<Record<string, Style>> = {
  NEW: 'open',
  PARTIALLY_FILLED: 'open',
  FILLED: 'good',
  CANCELED: 'faint',
  EXPIRED: 'faint',
  REJECTED: 'bad',
  HALTED: 'bad',
  ACTIVE: 'good',
  UP: 'good',
  DEGRADED: 'open',
  DOWN: 'bad',
  accepted: 'good',
  canceled: 'good',
  refused: 'bad',
  unknown: 'bad',
}

/** The style of a status, a state or an outcome; null for any other word. */
export const styleOf = (word: string): Style | null => meanings[word.trim()] ?? null
