// Numbers of the vital signs, as a person reads them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenth = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export const countText = (count: number): string => (count < 100 ? tenth.format(count) : whole.format(count))

/** `seconds` as `12 ms`, `3.2 s` or `2 min 5 s`. */
export const durationText = (seconds: number): string => {
  if (seconds === 0) return '0 s'
  if (seconds < 1) return `${tenth.format(seconds * 1000)} ms`
  if (seconds < 60) return `${tenth.format(seconds)} s`
  return `${whole.format(Math.floor(seconds / 60))} min ${whole.format(Math.floor(seconds % 60))} s`
}

/** What stands for a figure of which nothing can be said. */
export const unknownText = '–'
