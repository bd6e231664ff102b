// What an SQL prompt must know about SQL as text: where one statement ends and the next begins, and where in it an error lies.
// Pure.

/** A `;` inside these ends no statement: quoted text, quoted names, comments, dollar-quoted bodies. */
const opaque = [
  /'(?:[^']|'')*'/y,
  /"(?:[^"]|"")*"/y,
  /--[^\n]*(?:\n|$)/y,
  /\$(?<tag>[A-Za-z_\u0080-\uffff]?[\w\u0080-\uffff]*)\$[\s\S]*?\$\k<tag>\$/y,
]
/** An `E'…'` literal knows backslashes, so it is looked for before a plain one. */
const escapeLiteral = /[eE]'(?:[^'\\]|''|\\[\s\S])*'/y
const opening = /'|"|\/\*|\$[A-Za-z_]?\w*\$/y
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y

export type SplitSql = {
  statements: string[]
  /** The text after the last `;`: an unfinished statement, or only blanks and comments. */
  rest: string
  /** The rest ends inside a quote or comment. */
  open: boolean
}

/** Postgres nests these. */
const skipComment = (text: string, at: number): number | null => {
  let depth = 0
  for (let i = at; i < text.length; i += 1) {
    if (text.startsWith('/*', i)) [depth, i] = [depth + 1, i + 1]
    else if (text.startsWith('*/', i)) [depth, i] = [depth - 1, i + 1]
    if (depth === 0) return i + 1
  }
  return null
}

/** The place after what begins at `at` and hides a `;`; `at` itself when nothing does; null when it never ends. */
const skipOpaque = (text: string, at: number): number | null => {
  if (text.startsWith('/*', at)) return skipComment(text, at)
  for (const pattern of [escapeLiteral, ...opaque, word]) {
    pattern.lastIndex = at
    if (pattern.test(text)) return pattern.lastIndex
  }
  opening.lastIndex = at
  return opening.test(text) ? null : at
}

/** Only blanks and comments: nothing to send. */
export const isBlank = (text: string): boolean =>
  text
    .replaceAll(/--[^\n]*(\n|$)/g, '')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .trim() === ''

export const splitStatements = (text: string): SplitSql => {
  const statements: string[] = []
  let start = 0
  let at = 0
  while (at < text.length) {
    const next = skipOpaque(text, at)
    if (next === null) return { statements, rest: text.slice(start), open: true }
    if (next === at && text[at] === ';') {
      const statement = text.slice(start, at).trim()
      if (!isBlank(statement)) statements.push(statement)
      start = at + 1
    }
    at = next === at ? at + 1 : next
  }
  return { statements, rest: text.slice(start), open: false }
}

/** As psql shows it: the line with the fault and a caret under it. `position` counts characters from 1. */
export const pointAt = (text: string, position: number): string => {
  const before = Array.from(text)
    .slice(0, position - 1)
    .join('')
  const lineNumber = before.split('\n').length
  const line = text.split('\n')[lineNumber - 1] ?? ''
  const prefix = `LINE ${lineNumber}: `
  return `${prefix}${line}\n${' '.repeat(prefix.length + (before.split('\n').at(-1) ?? '').length)}^`
}
