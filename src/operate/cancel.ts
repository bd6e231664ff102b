// `orders cancel`: orders by their ids, or every open order of a user, a ticker or a side.

import { canonicalUuid } from '../domain/ids.ts'
import { uuidForm } from '../domain/patterns.ts'
import { sides } from '../domain/terms.ts'
import { cancelMany } from './cancelMany.ts'
import { cancelOrders } from './cancelOne.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'

const idsMax = 1_000

export const cancelCommand = defineCommand({
  form: '<id>… | --user <uuid> and/or --ticker <ticker> [--side <side>]',
  about: 'Cancels orders by id, or every open order of a user or a ticker',
  flags: {
    'only-new': { kind: 'switch', about: 'with ids: not if anything was filled' },
    user: { kind: 'text', value: 'uuid', about: 'every open order of this user' },
    ticker: { kind: 'text', value: 'ticker', about: 'every open order of this ticker' },
    side: { kind: 'text', value: 'side', about: 'of these only BUY or SELL', words: sides },
    yes: { kind: 'switch', about: 'without a question: neither counted nor asked' },
  },
  notes: `By id it cancels what remains; fills are kept. Of many it says how many, and asks. It goes on until none of them remains, and says what it
could not cancel because it ended before. Orders that are placed meanwhile may stay: halt the ticker first (orders halt).
With --json a line for each: { "id", "outcome", … }; of many { "canceled": id }, { "notCanceled": { "id", "orderStatus" } }, then { "total" }.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    const query = {
      userId: read.uuid('--user', values.user),
      ticker: read.ticker('--ticker', values.ticker),
      side: read.choice('--side', values.side, sides),
    }
    const isMany = values.user !== undefined || values.ticker !== undefined || values.side !== undefined
    if (isMany && words.length > 0) faults.push('either ids, or --user, --ticker and --side')
    if (!isMany && words.length === 0) faults.push('an id is required, or --user, or --ticker')
    if (isMany && values.user === undefined && values.ticker === undefined)
      faults.push('--side needs --user or --ticker beside it')
    if (isMany && values['only-new']) faults.push('--only-new is for ids')
    const ids = [...new Set(words.map((word) => canonicalUuid(word)))]
    if (ids.includes(null)) faults.push(`the id of an order ${uuidForm.rule}`)
    if (ids.length > idsMax) faults.push(`at most ${idsMax} ids`)
    return (context) =>
      isMany ? cancelMany(context, query, values.yes) : cancelOrders(context, ids as string[], values['only-new'])
  },
})
