// Amounts as text, exact: never a double.

import { formatAmount } from '../../domain/decimal.ts'
import { amountOrZeroFromJson } from '../../wire/json.ts'

/** An amount of an answer, with all its digits and no exponent; nothing for null. */
export const amountText = (value: unknown): string => {
  const parsed = amountOrZeroFromJson(value)
  return parsed.ok ? formatAmount(parsed.amount) : ''
}
