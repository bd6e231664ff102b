// Lists of texts, written so that they can be read.

/** The parts between spaces and line breaks. */
export const wordsOf = (text: string): string[] => text.trim().split(/\s+/)

/** One a line, without the space around it. */
export const lines = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim())
