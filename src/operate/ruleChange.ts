// Sends one change of the rules, and says whether it is in force.

import { member, objectIn, type Members } from '../client/text.ts'
import type { Call } from './call.ts'
import type { Context } from './context.ts'
import type { fieldsInto } from './fields.ts'
import type { Flags } from './grammar.ts'
import { differenceText } from './limits.ts'
import { persist } from './persist.ts'
import { objectOf, refusalText } from './refusal.ts'

/** Of every change: it is kept with who made it, and why. */
export const authorFlags = {
  by: { kind: 'text', value: 'name', about: 'who does it, for the record; required' },
  note: { kind: 'text', value: 'text', about: 'why, for the record; required' },
} as const satisfies Flags

export type Author = { by: string; note: string }

export const readAuthor = (
  values: { by: string | undefined; note: string | undefined },
  read: ReturnType<typeof fieldsInto>,
): Author => ({ by: read.required('--by', values.by), note: read.required('--note', values.note) })

/** `all` where a change is about all tickers. */
export const tickerOf = (change: Members): string => member(change, 'ticker') || 'all'

/** What was before, and what is after. */
export const changeText = (change: Members): string =>
  differenceText(objectIn(change, 'before') ?? {}, objectIn(change, 'after') ?? {})

/** Makes a change and shows it as it is kept. @returns the exit code: 1 if it is not in force, or nobody knows */
export const changeRules = async (context: Context, call: Call): Promise<number> => {
  const reply = await persist(context, call)
  if (reply.kind === 'none' || reply.answer.status !== 200) {
    const why = reply.kind === 'none' ? reply.reason : refusalText(reply.answer, 'change the rules', context.access)
    context.say(reply.maybeBefore ? `unknown: ${why}. It may be in force: give the same command again` : why)
    return 1
  }
  const { text } = reply.answer
  const change = objectOf(text)
  const difference = changeText(change)
  if (context.json) await context.print(text)
  else
    await context.print(
      `done: ${tickerOf(change)}: ${difference === '' ? 'nothing is other than before' : difference} (change ${member(change, 'epoch')})`,
    )
  return 0
}
