// Which orders a cancel of many covers, by the filters of the table.

import { canonicalUuid } from '../../domain/ids.ts'
import { canonicalTicker } from '../../domain/patterns.ts'
import type { Filter } from './filter.ts'

/** The parameters of `DELETE /orders`; null where the filter names no whole user and no whole ticker, or narrows by what the call does not take. */
export const manyOf = ({ user, ticker, side, status, key }: Filter): URLSearchParams | null => {
  const userId = user === '' ? null : canonicalUuid(user.trim())
  const whole = ticker === '' ? null : canonicalTicker(ticker.trim())
  if ((user !== '' && userId === null) || (ticker !== '' && whole === null)) return null
  if (key !== '' || (status !== '' && status !== 'open') || (userId === null && whole === null)) return null
  const search = new URLSearchParams()
  if (userId !== null) search.set('userId', userId)
  if (whole !== null) search.set('ticker', whole)
  if (side !== '') search.set('side', side)
  return search
}
