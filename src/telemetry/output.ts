// Standard output for the log. A pipe that nobody reads any more is full after 64 kB, and a write that waits for it would hold up the whole
// process: no request, no fill, no signal. So lines are written beside the loop, one write at a time; what waits is bounded, and what is
// beyond that is left out and counted.

import { write as writeFile, writeSync } from 'node:fs'

/** As fs.write: `written` bytes of the buffer are with the system. */
type Write = (bytes: Uint8Array, done: (error: Error | null, written: number) => void) => void

export type Output = {
  line: (text: string) => void
  /** Writes at once what waits, unless a write has been stuck for long: for the end of the process. */
  end: () => void
}

export type OutputOptions = {
  write?: Write
  writeNow?: (bytes: Uint8Array) => void
  clock?: () => number
}

const waitingMax = 4_194_304
/** A write that takes so long is stuck. */
const stuckMs = 1_000
/** At the end of the process, a write under way gets this long. */
const lastMs = 20
const busyPauseMs = 20
const standardOutput = 1

const leftOutLine = (count: number): string =>
  JSON.stringify({
    time: new Date().toISOString(),
    level: 'warn',
    message: 'lines of the log were left out, because nobody read standard output',
    leftOut: count,
  })

const isBusy = (error: Error): boolean => 'code' in error && error.code === 'EAGAIN'

export const createOutput = (options: OutputOptions = {}): Output => {
  const {
    write = (bytes, done) => writeFile(standardOutput, bytes, (error, written) => done(error, written)),
    writeNow = (bytes) => void writeSync(standardOutput, bytes),
    clock = () => performance.now(),
  } = options
  let waiting: string[] = []
  let size = 0
  let leftOut = 0
  /** Since when a write is under way, or null. */
  let since: number | null = null

  const takeAll = (): Uint8Array => {
    if (leftOut > 0) waiting.push(leftOutLine(leftOut))
    const bytes = Buffer.from(waiting.map((line) => `${line}\n`).join(''))
    waiting = []
    size = 0
    leftOut = 0
    return bytes
  }

  const next = (): void => {
    since = null
    if (waiting.length > 0 || leftOut > 0) put(takeAll())
  }

  const put = (bytes: Uint8Array): void => {
    since ??= clock()
    write(bytes, (error, written) => {
      if (error !== null && isBusy(error)) return void setTimeout(() => put(bytes), busyPauseMs)
      // A reader that is gone stays gone: the service goes on without its log.
      if (error !== null || written >= bytes.length) return next()
      put(bytes.subarray(written))
    })
  }

  return {
    line(text) {
      if (size + text.length > waitingMax) return void leftOut++
      waiting.push(text)
      size += text.length
      if (since === null) next()
    },
    end() {
      if (since !== null && clock() - since > stuckMs) return
      if (since !== null) Bun.sleepSync(lastMs)
      if (waiting.length === 0 && leftOut === 0) return
      try {
        writeNow(takeAll())
      } catch {
        // Nobody reads it.
      }
    },
  }
}
