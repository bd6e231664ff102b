// Members of an answer as text on a terminal.

import { formatAmount, parseJsonAmount } from '../domain/decimal.ts'
import { numberText } from '../wire/json.ts'

export type Members = Readonly<Record<string, unknown>>

/** Whatever a service may send: nothing of it may move the cursor of the terminal. */
export const withoutControls = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')

/** `1e-8` → `0.00000001`; any other number as it came. */
const plainNotation = (number: string): string => {
  if (!/e/i.test(number)) return number
  const parsed = parseJsonAmount(number)
  return parsed.ok ? formatAmount(parsed.amount) : number
}

/** A value of exact JSON as text; empty for null and for what is not there. */
export const valueText = (value: unknown): string => {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return withoutControls(value)
  const number = numberText(value)
  return number === null ? withoutControls(JSON.stringify(value)) : plainNotation(number)
}

export const member = (object: Members, name: string): string => valueText(object[name])

/** A number whose digits a double may not carry is no object. */
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && numberText(value) === null

/** What an object holds under this name, if that is an object too. */
export const objectIn = (object: Members, name: string): Members | null => {
  const value = object[name]
  return isObject(value) ? value : null
}

export const listIn = (object: Members, name: string): unknown[] => {
  const value = object[name]
  return Array.isArray(value) ? value : []
}

/** The objects of a list. */
export const objectsIn = (object: Members, name: string): Members[] => listIn(object, name).filter(isObject)
