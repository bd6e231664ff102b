// A file that an operator changes while the service runs. It is looked at on use, at most once a second; a change that cannot be
// used is an error in the log, and what was read before stays in force.

import { readFileSync, statSync } from 'node:fs'
import { describe, type Log } from '../../../telemetry/log.ts'

export type WatchedFile<T> = {
  /** What the file said when it was last good. */
  current: () => T
  /** Grows with every change that was taken over. */
  generation: () => number
}

/** Throws a sentence that names no content. */
type Parser<T> = (text: string) => T

type Options<T> = { path: string; what: string; parse: Parser<T>; log: Log; nowMs?: () => number }

const lookEveryMs = 1_000
const bytesMax = 4_194_304

/** Another file under the same name (as a mounted secret is replaced) is a change too. */
const markOf = (path: string): string => {
  const { mtimeMs, size, ino } = statSync(path)
  if (size > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`)
  return `${mtimeMs}:${size}:${ino}`
}

/** Throws where the file cannot be used at the start. */
export const watchFile = <T>({
  path,
  what,
  parse,
  log,
  nowMs = () => performance.now(),
}: Options<T>): WatchedFile<T> => {
  let mark = markOf(path)
  let value = parse(readFileSync(path, 'utf8'))
  let lookedAt = nowMs()
  let generation = 0

  const look = (): void => {
    lookedAt = nowMs()
    try {
      const seen = markOf(path)
      if (seen === mark) return
      // Kept even where the content is bad: it is complained of once.
      mark = seen
      value = parse(readFileSync(path, 'utf8'))
      generation++
      log.info(`${what}: the changed file is in force`)
    } catch (error) {
      log.rarely('error', `file:${what}`, `${what}: the file cannot be used; what was read before stays in force`, {
        ...describe(error),
      })
    }
  }
  const lookInTime = (): void => {
    if (nowMs() - lookedAt >= lookEveryMs) look()
  }
  return {
    current() {
      lookInTime()
      return value
    },
    generation() {
      lookInTime()
      return generation
    },
  }
}
