// Amounts for JSON.stringify, which writes them as exact JSON numbers.

import type { Static } from '@sinclair/typebox'
import { formatAmount, type Amount } from '../domain/decimal.ts'
import type { ExactAmount } from './shapes.ts'

/**
 * An amount that JSON.stringify writes as the exact number. Only for values on their way to JSON.stringify: its type is that of the schema
 * (text, because a client keeps it as text), but its value is an object that stands for the raw text.
 */
export const exactAmount = (amount: Amount): Static<typeof ExactAmount> =>
  JSON.rawJSON(formatAmount(amount)) as unknown as string
