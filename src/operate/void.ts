// `orders void`: after an unknown outcome makes certain that no order with this key can be accepted any more.

import { objectIn } from '../client/text.ts'
import { toExactJson } from '../wire/json.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'
import { persist } from './persist.ts'
import { objectOf, refusalText } from './refusal.ts'
import { detailsText } from './show.ts'

const voidKey = async (
  context: Context,
  body: { userId: string | undefined; clientOrderId: string },
): Promise<number> => {
  const reply = await persist(context, { method: 'POST', path: 'orders/void', body })
  if (reply.kind === 'none' || reply.answer.status !== 200) {
    const text = reply.kind === 'none' ? reply.reason : refusalText(reply.answer, 'void this key', context.access)
    context.say(`${text}. It is not certain: give the same command again`)
    return 1
  }
  const answer = objectOf(reply.answer.text)
  const isVoid = answer['voided'] === true
  if (context.json) await context.print(toExactJson(answer))
  else if (isVoid) await context.print('void: no order with this key can be accepted any more')
  else await context.print(`the key was used before:\n${detailsText(objectIn(answer, 'order') ?? {}, context.paint)}`)
  return isVoid ? 0 : 1
}

export const voidCommand = defineCommand({
  form: '<key>',
  about: 'Makes certain that no order with this key can be accepted any more, or shows the order',
  flags: { user: { kind: 'text', value: 'uuid', about: 'whose key; may be left out if your credential says it' } },
  notes: `With --json the answer of the service: { "voided": true }, or { "voided": false, "order" }; exit code 1 then.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 1)
    const userId = read.uuid('--user', values.user)
    const clientOrderId = read.key('the key', words[0] ?? '') ?? ''
    return (context) => voidKey(context, { userId, clientOrderId })
  },
})
