// Amounts of the reference engine: exact decimals as bigints of hundred-millionths. A text is either read exactly or
// refused, and what is written is plain JSON number notation: never an exponent, never a rounded double.

const FRACTION_DIGITS = 8
const ONE = 10n ** BigInt(FRACTION_DIGITS)
const LIMIT = 10n ** 20n // 12 integer digits and 8 fraction digits
const NUMBER = /^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/

/** digits × 10^shift, or null where that is no whole number. */
const shiftDecimal = (digits: bigint, shift: number): bigint | null => {
  if (digits === 0n) return 0n
  if (shift >= 0) return shift > 40 ? null : digits * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  return digits % divisor === 0n ? digits / divisor : null
}

/**
 * The amount in hundred-millionths; null when the text is no decimal > 0 with at most 12 integer and 8 fraction
 * digits.
 */
export const parseAmount = (text: string): bigint | null => {
  const match = text.length <= 64 ? NUMBER.exec(text) : null
  if (match === null) return null
  const [, whole = '', fraction = '', exponent = '0'] = match
  const shift = Number(exponent) - fraction.length + FRACTION_DIGITS
  const scaled = shiftDecimal(BigInt(whole + fraction), shift)
  return scaled !== null && scaled > 0n && scaled < LIMIT ? scaled : null
}

/** The shortest plain notation: 15050000000n becomes 150.5, 1n becomes 0.00000001. */
export const formatAmount = (scaled: bigint): string => {
  const fraction = (scaled % ONE).toString().padStart(FRACTION_DIGITS, '0').replace(/0+$/, '')
  const whole = (scaled / ONE).toString()
  return fraction === '' ? whole : `${whole}.${fraction}`
}
