// What is wrong with the terms of an order: values that are not in the form of their term, and terms that its type or its time in force
// requires or forbids (terms.ts).

import { amountDetail, amountDigits, amountFault, amountRule, type AmountDigits } from './decimal.ts'
import { canonicalUuid } from './ids.ts'
import {
  canonicalInstant,
  canonicalKey,
  canonicalTicker,
  instantForm,
  isStored,
  keyForm,
  tickerForm,
  uuidForm,
} from './patterns.ts'
import {
  requiredTerms,
  rulesOf,
  rulesOfTimeInForce,
  terms,
  timeInForceRules,
  typeRules,
  type OrderTerms,
  type PresenceRules,
  type Term,
  type TermName,
  type TextTerm,
} from './terms.ts'

/**
 * Terms before they are checked. Null: the client left the term out. Undefined: its value could not be read; the decoder has reported that
 * already, so no fault of its form is added.
 */
export type TermsDraft = { [N in TermName]: OrderTerms[N] | null | undefined }

/** `detail` completes "<term> …"; decide by `code`. */
export type TermFault = { term: TermName; code: 'REQUIRED' | 'FORBIDDEN' | 'MALFORMED'; detail: string }

/** The form that a value of this term must have; completes "<term> …" in the message to the client. */
export const ruleOf = ({ kind, values = [] }: Term, digits: AmountDigits = amountDigits): string => {
  switch (kind) {
    case 'uuid':
      return uuidForm.rule
    case 'key':
      return keyForm.rule
    case 'ticker':
      return tickerForm.rule
    case 'choice':
      return `must be one of ${values.join(', ')}`
    case 'amount':
      return amountRule(digits)
    case 'flag':
      return 'must be true or false'
    case 'instant':
      return instantForm.rule
  }
}

/** The canonical form of a term that comes in as text; null if the text is not one of its values. */
export const canonicalText = ({ kind, values = [] }: TextTerm, text: string): string | null => {
  switch (kind) {
    case 'uuid':
      return canonicalUuid(text)
    case 'key':
      return canonicalKey(text)
    case 'ticker':
      return canonicalTicker(text)
    case 'choice':
      return values.includes(text) ? text : null
    case 'instant':
      return canonicalInstant(text)
  }
}

/** Whether a text is the canonical form of a value of this term. */
const isCanonical = ({ kind, values = [] }: TextTerm, text: string): boolean => {
  switch (kind) {
    case 'uuid':
      return isStored.uuid(text)
    case 'key':
      return isStored.key(text)
    case 'ticker':
      return isStored.ticker(text)
    case 'choice':
      return values.includes(text)
    case 'instant':
      return isStored.instant(text)
  }
}

export const isTextTerm = (term: Term): term is TextTerm => term.kind !== 'amount' && term.kind !== 'flag'

/** Why a value that is present is not a canonical value of its term; null if it is one. */
const formFault = (term: Term, value: unknown, digits: AmountDigits): string | null => {
  if (isTextTerm(term)) return typeof value === 'string' && isCanonical(term, value) ? null : ruleOf(term, digits)
  if (term.kind === 'flag') return value === true ? null : ruleOf(term)
  const fault = typeof value === 'bigint' ? amountFault(value, digits) : 'NOT_A_NUMBER'
  return fault === null ? null : amountDetail(fault, digits)
}

/**
 * The terms that are missing, those that the type or the time in force forbids, and those that contradict another. It does not check the
 * form of a value.
 */
export const presenceFaults = (draft: TermsDraft): TermFault[] => {
  const faults: TermFault[] = []
  for (const term of requiredTerms)
    if (draft[term] === null) faults.push({ term, code: 'REQUIRED', detail: 'is required' })
  const { type, timeInForce, quantity, displayQuantity } = draft
  const check = (rules: PresenceRules, owner: string): void => {
    for (const [term, rule] of rules) {
      const isPresent = draft[term] !== null
      if (rule === 'required' && !isPresent) faults.push({ term, code: 'REQUIRED', detail: `is required for ${owner}` })
      if (rule === 'forbidden' && isPresent)
        faults.push({ term, code: 'FORBIDDEN', detail: `is forbidden for ${owner}` })
    }
  }
  if (type !== undefined && type !== null && Object.hasOwn(typeRules, type)) check(rulesOf(type), type)
  if (timeInForce !== undefined && timeInForce !== null && Object.hasOwn(timeInForceRules, timeInForce))
    check(rulesOfTimeInForce(timeInForce), timeInForce)
  if (typeof displayQuantity === 'bigint' && typeof quantity === 'bigint' && displayQuantity >= quantity)
    faults.push({ term: 'displayQuantity', code: 'MALFORMED', detail: 'must be less than quantity' })
  return faults
}

/**
 * All faults of these terms: values that are not in canonical form, amounts beyond `digits`, terms that are missing, and terms that the
 * type of the order forbids. Empty: an order with these terms may be accepted.
 */
export const termsFaults = (draft: TermsDraft, digits: AmountDigits = amountDigits): TermFault[] => {
  const faults = presenceFaults(draft)
  for (const term of terms) {
    const value = draft[term.name]
    if (value === undefined || value === null) continue
    const detail = formFault(term, value, digits)
    if (detail !== null) faults.push({ term: term.name, code: 'MALFORMED', detail })
  }
  return faults
}
