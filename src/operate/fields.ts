// Reads the values of flags and words. What cannot be read is a fault: one sentence that begins with the name of the flag.

import { amountDetail, amountDigits, formatAmount, parsePlainAmount } from '../domain/decimal.ts'
import { canonicalUuid } from '../domain/ids.ts'
import {
  canonicalInstant,
  canonicalKey,
  canonicalTicker,
  instantForm,
  keyForm,
  tickerForm,
  uuidForm,
} from '../domain/patterns.ts'

type Text = string | undefined

/** Readers that add their faults to `faults`. What is left out, and what has a fault, is undefined. */
export const fieldsInto = (faults: string[]) => {
  const form =
    (canonical: (text: string) => string | null, rule: string) =>
    (name: string, text: Text): Text => {
      if (text === undefined) return undefined
      const value = canonical(text)
      if (value === null) faults.push(`${name} ${rule}`)
      return value ?? undefined
    }

  return {
    uuid: form(canonicalUuid, uuidForm.rule),
    ticker: form(canonicalTicker, tickerForm.rule),
    key: form(canonicalKey, keyForm.rule),
    instant: form(canonicalInstant, instantForm.rule),
    /** The exact amount in plain notation: it never is a float. */
    amount(name: string, text: Text): Text {
      if (text === undefined) return undefined
      const parsed = parsePlainAmount(text)
      if (parsed.ok) return formatAmount(parsed.amount)
      const hint = parsed.fault === 'NOT_A_NUMBER' ? 'must be a plain decimal such as 1000 or 187.50' : null
      faults.push(`${name} ${hint ?? amountDetail(parsed.fault, amountDigits)}`)
      return undefined
    },
    /** In any case of letters. */
    choice<const T extends string>(name: string, text: Text, values: readonly T[]): T | undefined {
      if (text === undefined) return undefined
      const value = values.find((one) => one.toUpperCase() === text.toUpperCase())
      if (value === undefined) faults.push(`${name} must be one of ${values.join(', ')}`)
      return value
    },
    whole(name: string, text: Text, least: number, most: number): number | undefined {
      if (text === undefined) return undefined
      if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
      faults.push(`${name} must be a whole number from ${least} to ${most}`)
      return undefined
    },
    required(name: string, text: Text): string {
      if (text === undefined || text.trim() === '') faults.push(`${name} is required`)
      return text ?? ''
    },
    /** Words behind those that the command takes. */
    nothingBehind(words: readonly string[], count: number): void {
      if (words.length > count) faults.push(`"${words[count]}" is too much`)
    },
  }
}
