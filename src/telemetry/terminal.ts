// Progress of a long command on standard error: a bar for a person, a line every few seconds for a log. And `printLine`, which waits
// until standard output has the text: Bun's process.exit drops what a pipe has not accepted yet.

export type Progress = {
  /** `total`: null if it is unknown. */
  show: (what: string, done: number, total: number | null) => void
  /** Removes the bar, so that something else can be printed. */
  clear: () => void
}

/** The part of standard error that is used. */
export type Screen = { isTTY?: boolean; write: (text: string) => unknown }

const barWidth = 30
const barEveryMs = 100
const lineEveryMs = 5_000
const clearLine = '\r\u001b[K'

const count = (n: number): string => Math.round(n).toLocaleString('en-US')

const barOf = (done: number, total: number): string => {
  const part = Math.min(1, done / total)
  const filled = Math.round(part * barWidth)
  return `${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)} ${Math.floor(part * 100)} % `
}

export const createProgress = (screen: Screen, clock: () => number = () => performance.now()): Progress => {
  const isTerminal = screen.isTTY === true
  let lastAt = clock()
  let stage = { what: '', startedAt: lastAt }
  let isBarShown = false

  const clear = (): void => {
    if (isBarShown) screen.write(clearLine)
    isBarShown = false
  }

  return {
    show(what, done, total) {
      const now = clock()
      if (stage.what !== what) stage = { what, startedAt: now }
      if (now - lastAt < (isTerminal ? barEveryMs : lineEveryMs)) return
      lastAt = now
      const seconds = (now - stage.startedAt) / 1000
      const rate = seconds < 1 ? '' : `, ${count(done / seconds)}/s`
      const figures = `${count(done)}${total === null ? '' : ` of about ${count(total)}`} ${what}${rate}`
      if (!isTerminal) return void screen.write(`${figures}\n`)
      screen.write(`${clearLine}${total === null ? '' : barOf(done, total)}${figures}`)
      isBarShown = true
    },
    clear,
  }
}

/** Writes the text and a line end. Resolves when standard output has accepted them; rejects if its reader is gone. */
export const printLine = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(`${text}\n`, (error) => (error ? reject(error) : resolve()))
  })
