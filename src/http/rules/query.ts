// The query parameters of the routes of rules.

import { canonicalTicker } from '../../domain/patterns.ts'
import { freeText } from '../exchange/freeText.ts'
import { defineQuery, pageRows, ticker } from '../exchange/query.ts'

const required = <R>(row: R) => ({ ...row, required: true }) as const

const text = (lengthMax: number) => {
  const { schema, isValid, rule } = freeText(lengthMax)
  return required({
    schema,
    // What is encoded and no UTF-8 was read as this character.
    read: (sent: string) => (isValid(sent) && !sent.includes('\ufffd') ? sent : undefined),
    rule: (sent: string) => (sent.includes('\ufffd') ? 'must be percent-encoded UTF-8' : rule),
  })
}

export const instrumentsQuery = defineQuery({
  ticker,
  ...pageRows('instrument', (position) => canonicalTicker(position) ?? undefined),
})

export const oneTicker = defineQuery({ ticker: required(ticker) })

/** A delisting has no body, because not every proxy lets one through: who and why are parameters. */
export const deletionQuery = defineQuery({ ticker: required(ticker), by: text(200), note: text(2000) })

export const tradingQuery = defineQuery({ ticker })

export const changesQuery = defineQuery(
  pageRows('ruleChange', (position) => (/^[1-9]\d{0,17}$/.test(position) ? position : undefined)),
)
