// Sends one change of the rules, and says whether it is in force.

import type { Members } from '../client/text.ts'
import type { Call } from './call.ts'
import type { Context } from './context.ts'
import type { fieldsInto } from './fields.ts'
import type { Flags } from './grammar.ts'
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

/** Null: it is not in force, or nobody knows; that was said. */
export const changeRules = async (context: Context, call: Call): Promise<{ text: string; object: Members } | null> => {
  const reply = await persist(context, call)
  if (reply.kind === 'answer' && reply.answer.status === 200) {
    const { text } = reply.answer
    return { text, object: objectOf(text) }
  }
  const why = reply.kind === 'none' ? reply.reason : refusalText(reply.answer, 'change the rules', context.access)
  context.say(reply.maybeBefore ? `unknown: ${why}. It may be in force: give the same command again` : why)
  return null
}
