// A file that an operator may change while the service runs. Each use checks it for a change, at most once a second. If the new content
// cannot be used, an error is logged and the former content stays in force.

import { readFileSync, statSync } from 'node:fs'
import { describe, type Log } from '../../../telemetry/log.ts'
import { withoutByteOrderMark } from '../../../wire/byteOrderMark.ts'

export type WatchedFile<T> = {
  /** The last usable content. */
  current: () => T
  /** Increases with every change that took effect. */
  generation: () => number
}

/** Reads the content. Throws an error whose message is a sentence that quotes no content. */
type Parser<T> = (text: string) => T

/** `setting`: the key of the configuration that names the file. */
type Options<T> = { path: string; setting: string; parse: Parser<T>; log: Log; nowMs?: () => number }

const checkEveryMs = 1_000
const bytesMax = 4_194_304

/** A mark that changes with the file. It changes also if another file takes the name: that is how a mounted secret is replaced. */
const markOf = (path: string): string => {
  const { mtimeMs, size, ino } = statSync(path)
  if (size > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`)
  return `${mtimeMs}:${size}:${ino}`
}

const readText = (path: string): string => withoutByteOrderMark(readFileSync(path, 'utf8'))

/** Reads and watches a file. Throws if the file cannot be used at the start. */
export const watchFile = <T>({
  path,
  setting,
  parse,
  log,
  nowMs = () => performance.now(),
}: Options<T>): WatchedFile<T> => {
  let mark = markOf(path)
  let value = parse(readText(path))
  let checkedAt = nowMs()
  let generation = 0

  const check = (): void => {
    checkedAt = nowMs()
    try {
      const current = markOf(path)
      if (current === mark) return
      // What cannot be read yet is tried again: a right that comes later changes no mark.
      const text = readText(path)
      // Set even if the content turns out to be bad, so that the log reports it only once.
      mark = current
      value = parse(text)
      generation++
      log.info(`${setting}: the changed file is in force`)
    } catch (error) {
      log.rarely(
        'error',
        `file:${setting}`,
        `${setting}: the file cannot be used; what was read before stays in force`,
        describe(error),
      )
    }
  }
  const checkIfDue = (): void => {
    if (nowMs() - checkedAt >= checkEveryMs) check()
  }
  return {
    current() {
      checkIfDue()
      return value
    },
    generation() {
      checkIfDue()
      return generation
    },
  }
}
