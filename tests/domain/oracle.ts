// An independent oracle of decimals: it judges by rules of its own, on exact fractions, so that a mistake in
// src/domain/decimal.ts is not repeated here. A text stands for n × 10^power, and the oracle knows nothing else of it.

type Scientific = { n: bigint; power: number }

export type Verdict = bigint | 'NOT_POSITIVE' | 'TOO_MANY_INTEGER_DIGITS' | 'TOO_MANY_FRACTION_DIGITS'

const ten = (power: number): bigint => 10n ** BigInt(power)

const scientific = (text: string): Scientific => {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [integer = '', fraction = ''] = mantissa.split('.')
  return {
    n: BigInt(integer.replace('-', '') + fraction) * signOf(mantissa),
    power: Number(exponent) - fraction.length,
  }
}

const signOf = (text: string): bigint => (text.startsWith('-') ? -1n : 1n)

/** The amount scaled by 10^8 that a JSON number stands for, or which limit of the contract it breaks. */
export const judge = (text: string): Verdict => {
  const { n, power } = scientific(text)
  if (n <= 0n) return 'NOT_POSITIVE'
  const whole = power >= 0 ? n * ten(power) : n / ten(-power)
  if (whole >= ten(12)) return 'TOO_MANY_INTEGER_DIGITS'
  if (power + 8 >= 0) return n * ten(power + 8)
  return n % ten(-power - 8) === 0n ? n / ten(-power - 8) : 'TOO_MANY_FRACTION_DIGITS'
}

/** Whether two decimals in any notation are the same number. */
export const sameNumber = (a: string, b: string): boolean => {
  const [x, y] = [scientific(a), scientific(b)]
  const least = Math.min(x.power, y.power)
  return x.n * ten(x.power - least) === y.n * ten(y.power - least)
}

/** Whether `rounded` is `numerator` ÷ `denominator`, rounded half-even to a whole number: judged by what that means. */
export const isHalfEven = (rounded: bigint, numerator: bigint, denominator: bigint): boolean => {
  const twiceOff = 2n * (rounded * denominator - numerator)
  const distance = twiceOff < 0n ? -twiceOff : twiceOff
  return distance < denominator || (distance === denominator && rounded % 2n === 0n)
}
