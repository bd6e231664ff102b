// `orders instruments set`, `defaults` and `delist`: lists a ticker and sets its limits, or those that hold where a ticker has none. The
// service replaces all limits at once; here those that are not named stay as they are.

import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'
import { differenceText, limitFlags, noLimits, readLimits, type LimitChanges, type Limits } from './limits.ts'
import type { Got } from './read.ts'
import { authorFlags, changeRules, readAuthor, type Author } from './ruleChange.ts'
import { getDefaults, getLimits } from './rulesReads.ts'

type Wanted = { changes: LimitChanges; author: Author; replaces: boolean }

/** Limits that are left out are none. */
const bodyOf = (limits: Limits): Record<string, string> =>
  Object.fromEntries(Object.entries(limits).flatMap(([name, text]) => (text === null ? [] : [[name, text]])))

/** Says what it changes before it does. `before`: null if the ticker is not listed. */
const mergedLimits = (context: Context, before: Limits | null, { changes, replaces }: Wanted): Limits => {
  const after = { ...(replaces || before === null ? noLimits : before), ...changes }
  const difference = differenceText(before ?? noLimits, after)
  const news = [before === null ? 'it is listed' : '', difference].filter((text) => text !== '')
  context.say(news.length === 0 ? 'the limits stay as they are' : news.join(', '))
  return after
}

const failed = <T>(context: Context, got: Got<T>): got is Exclude<typeof got, { ok: true }> => {
  if (!got.ok) context.say(got.reason)
  return !got.ok
}

const setOf = async (context: Context, ticker: string, wanted: Wanted): Promise<number> => {
  const before = await getLimits(context, ticker)
  if (failed(context, before)) return 1
  const body = { ...bodyOf(mergedLimits(context, before.value, wanted)), ...wanted.author }
  return changeRules(context, { method: 'PUT', path: 'instruments', query: { ticker }, body })
}

const setDefaults = async (context: Context, wanted: Wanted): Promise<number> => {
  const before = await getDefaults(context)
  if (failed(context, before)) return 1
  const body = { limits: bodyOf(mergedLimits(context, before.value, wanted)), ...wanted.author }
  return changeRules(context, { method: 'PUT', path: 'trading', body })
}

const flags = {
  ...limitFlags,
  ...authorFlags,
  replace: { kind: 'switch', about: 'limits that are not named end; without it they stay' },
} as const

const notes = `A limit ends with the word none. What changes is said first. Orders that were accepted stay as they are.
`

export const setCommand = defineCommand({
  form: '<ticker> [limits] --by <name> --note <text>',
  about: 'Lists a ticker, and sets its limits: orders instruments set AAPL --tick 0.01 --lot 1',
  flags,
  notes,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 1)
    const ticker = read.ticker('the ticker', words[0] ?? '') ?? ''
    const wanted = { changes: readLimits(values, read), author: readAuthor(values, read), replaces: values.replace }
    return (context) => setOf(context, ticker, wanted)
  },
})

export const defaultsCommand = defineCommand({
  form: '[limits] --by <name> --note <text>',
  about: 'Sets the limits that hold where a ticker has none of its own',
  flags,
  notes,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 0)
    const changes = readLimits(values, read)
    if (Object.keys(changes).length === 0 && !values.replace) faults.push('a limit is required, such as --notional-max')
    const wanted = { changes, author: readAuthor(values, read), replaces: values.replace }
    return (context) => setDefaults(context, wanted)
  },
})

export const delistCommand = defineCommand({
  form: '<ticker> --by <name> --note <text>',
  about: 'Takes a ticker off the list, with its limits; its open orders stay',
  flags: authorFlags,
  notes: `Where only listed tickers are taken (INSTRUMENTS=listed) no order of it is accepted any more.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 1)
    const ticker = read.ticker('the ticker', words[0] ?? '') ?? ''
    const author = readAuthor(values, read)
    return (context) => changeRules(context, { method: 'DELETE', path: 'instruments', query: { ticker, ...author } })
  },
})
