// The wall clock of one replica, wrong by as much as a test says and while it runs. Bun loads this file before the program of
// the compiled binary, where it replaces Date alone: performance.now and timers go on evenly, as a machine's monotonic clock
// does when somebody sets its time. In every other process it does nothing.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

const variable = 'SKEWED_CLOCK_FILE'
const lookEveryMs = 20

/** The file holds by how many milliseconds the clock of this process is ahead; negative: behind. */
const skewDate = (file: string): void => {
  let aheadMs = 0
  const look = (): void => {
    if (existsSync(file)) aheadMs = Number(readFileSync(file, 'utf8'))
  }
  look()
  setInterval(look, lookEveryMs).unref()
  const real = Date
  const now = (): number => real.now() + aheadMs
  globalThis.Date = new Proxy(real, {
    apply: () => new real(now()).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  })
}

const own = process.env[variable]
if (own !== undefined) skewDate(own)

export type SkewedClock = {
  /** Environment variables for the process that gets the clock. */
  env: Record<string, string>
  /** Takes effect within a moment. */
  set: (aheadMs: number) => void
}

/** `dir`: a folder that no other clock uses. */
export const skewedClock = (dir: string): SkewedClock => {
  const file = `${dir}/ahead-ms`
  return {
    env: { BUN_OPTIONS: `--preload ${import.meta.path.replaceAll(' ', '\\ ')}`, [variable]: file },
    set(aheadMs) {
      writeFileSync(`${file}.next`, String(aheadMs))
      renameSync(`${file}.next`, file)
    },
  }
}
