// The arguments of `orders adopt`.

import { parseArgs } from 'node:util'
import { ageFault, ageOf } from '../config/age.ts'
import { describe } from '../telemetry/log.ts'

export const usage = `orders adopt [--dry-run] [--list] [--transactions <where>] [--opening-balances] [--swallowed exceptions|late]
             [--publish-undecided] [--cancel-older-than <n>d|h|m|s] | --back [--list]
  --dry-run              only says what would happen, and how long it takes; Java may go on working
  --list                 names every row that cannot be carried over, and every event that is undecided
  --transactions         the table of the transaction processor: transactions, other.transactions (in this database), or the
                         address of another database: postgres://user:password@host:port/database
  --opening-balances     one opening row for legs whose amounts nobody has any more; else their orders are refused
  --swallowed            legs that Java read and did not apply: exceptions (default), or late fills of canceled orders
  --publish-undecided    publish events of which nobody knows whether Java did
  --cancel-older-than    instead cancel such orders that are older, such as 30d
  --back                 write the state back into Java's tables, and put our copy aside
`

type Swallowed = 'exceptions' | 'late'
/** `olderThanMs`: undecided orders that are older are canceled; null: none is. */
export type AdoptOptions = {
  dryRun: boolean
  list: boolean
  back: boolean
  transactions: string | null
  openingBalances: boolean
  swallowed: Swallowed
  publishUndecided: boolean
  olderThanMs: number | null
}

/** Returns a sentence if the arguments are wrong. */
export const readOptions = (args: readonly string[]): AdoptOptions | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'dry-run': { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        back: { type: 'boolean', default: false },
        transactions: { type: 'string' },
        'opening-balances': { type: 'boolean', default: false },
        swallowed: { type: 'string', default: 'exceptions' },
        'publish-undecided': { type: 'boolean', default: false },
        'cancel-older-than': { type: 'string' },
      },
    })
    const { swallowed, transactions } = values
    if (swallowed !== 'exceptions' && swallowed !== 'late') return '--swallowed must be exceptions or late'
    const cancelOlderThan = values['cancel-older-than']
    const olderThanMs = cancelOlderThan === undefined ? null : ageOf(cancelOlderThan)
    if (cancelOlderThan !== undefined && olderThanMs === null) return `--cancel-older-than ${ageFault}`
    if (transactions === '') return '--transactions must name a table or an address'
    const options: AdoptOptions = {
      dryRun: values['dry-run'],
      list: values.list,
      back: values.back,
      transactions: transactions ?? null,
      openingBalances: values['opening-balances'],
      swallowed,
      publishUndecided: values['publish-undecided'],
      olderThanMs,
    }
    const onlyForth = transactions !== undefined || options.openingBalances || options.publishUndecided
    if (options.back && (onlyForth || options.olderThanMs !== null || options.dryRun))
      return '--back goes with --list alone'
    return options
  } catch (error) {
    return describe(error).error
  }
}
