// `orders halt` and `orders resume`: trading in a ticker, or in all of them.

import { confirm } from './confirm.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand, type Flags } from './grammar.ts'
import { countOpen } from './openOrders.ts'
import type { Got } from './read.ts'
import { authorFlags, changeRules, readAuthor, type Author } from './ruleChange.ts'

type Change = {
  /** Undefined: all of them. */
  ticker: string | undefined
  body: Author & { state: 'HALTED' | 'ACTIVE'; cancelOpen?: true }
  isSure: boolean
}

/** The question before it; null: none is needed. */
const questionOf = async (context: Context, { ticker, body, isSure }: Change): Promise<Got<string | null>> => {
  const where = ticker ?? 'EVERY ticker'
  if (isSure) return { ok: true, value: null }
  if (body.cancelOpen === true) {
    const count = await countOpen(context, { ticker })
    if (!count.ok) return count
    return { ok: true, value: `halts ${where} and cancels ${count.value ?? 'every open order (none is open now)'}` }
  }
  if (ticker !== undefined) return { ok: true, value: null }
  return {
    ok: true,
    value: body.state === 'HALTED' ? `halts ${where}` : `resumes ${where} that is not halted by itself`,
  }
}

const change = async (context: Context, wanted: Change): Promise<number> => {
  const question = await questionOf(context, wanted)
  if (!question.ok) {
    context.say(question.reason)
    return 1
  }
  if (question.value !== null) {
    const code = await confirm(context, question.value)
    if (code !== 0) return code
  }
  const { ticker, body } = wanted
  const code = await changeRules(context, { method: 'PUT', path: 'trading', query: { ticker }, body })
  if (code === 0 && body.cancelOpen === true)
    context.say(
      `what is open is being canceled: orders list${ticker === undefined ? '' : ` --ticker '${ticker}'`} --status open`,
    )
  return code
}

const flags = {
  ...authorFlags,
  yes: { kind: 'switch', about: 'without a question' },
} as const satisfies Flags

type Given = { by: string | undefined; note: string | undefined; yes: boolean }

const readChange = (
  values: Given,
  words: readonly string[],
  faults: string[],
  rest: Pick<Change['body'], 'state' | 'cancelOpen'>,
): Change => {
  const read = fieldsInto(faults)
  read.nothingBehind(words, 1)
  const ticker = read.ticker('the ticker', words[0])
  const body = { ...readAuthor(values, read), ...rest }
  return { ticker, body, isSure: values.yes }
}

export const haltCommand = defineCommand({
  form: '[<ticker>] --by <name> --note <text>',
  about: 'Halts a ticker, or without one every ticker: no new order is accepted; cancels pass',
  flags: { ...flags, 'cancel-open': { kind: 'switch', about: 'and cancels every open order; asks first' } },
  notes: `Once it is done, no replica accepts an order that the halt forbids. Without a ticker it asks first.
`,
  read(values, words, faults) {
    const cancelOpen = values['cancel-open'] ? ({ cancelOpen: true } as const) : {}
    const wanted = readChange(values, words, faults, { state: 'HALTED', ...cancelOpen })
    return (context) => change(context, wanted)
  },
})

export const resumeCommand = defineCommand({
  form: '[<ticker>] --by <name> --note <text>',
  about: 'Ends the halt of a ticker, or without one the halt of every ticker',
  flags,
  notes: `A ticker that was halted by itself stays halted when all are resumed. Without a ticker it asks first.
`,
  read(values, words, faults) {
    const wanted = readChange(values, words, faults, { state: 'ACTIVE' })
    return (context) => change(context, wanted)
  },
})
