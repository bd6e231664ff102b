// How long ago something was, as an operator writes it in an argument.

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const
const pattern = /^([1-9]\d{0,5})([dhms])$/

/** Completes "<flag> …" if `ageOf` returned null. */
export const ageFault = 'must be a whole number with d, h, m or s, such as 30d'

/** In ms; null if the text is none. */
export const ageOf = (text: string): number | null => {
  const [, count, unit] = pattern.exec(text) ?? []
  return count === undefined ? null : Number(count) * unitMs[unit as keyof typeof unitMs]
}
