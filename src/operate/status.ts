// `orders status`: how the service is, in words.

import { member, objectIn } from '../client/text.ts'
import { send } from './call.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'
import { styleOf } from './paint.ts'
import { objectOf, refusalText } from './refusal.ts'
import { detailsText } from './show.ts'

const status = async (context: Context): Promise<number> => {
  // Not asked again: how it is now is what was asked for.
  const result = await send(context.access, { method: 'GET', path: 'actuator/health' }, context.signal)
  if (result.kind !== 'answer') {
    context.say(result.reason)
    return 1
  }
  const { answer } = result
  const health = objectOf(answer.text)
  const components = objectIn(health, 'components')
  if (components === null) {
    context.say(refusalText(answer, 'see how the service is', context.access))
    return 1
  }
  const overall = member(health, 'status')
  if (context.json) await context.print(answer.text)
  else {
    const lines = Object.keys(components).flatMap((name) => {
      const component = objectIn(components, name) ?? {}
      const word = member(component, 'status')
      const details = detailsText(objectIn(component, 'details') ?? {}, context.paint)
      return [`${name}: ${context.paint(styleOf(word), word)}`, ...details.split('\n').map((line) => `  ${line}`)]
    })
    await context.print([context.paint(styleOf(overall), overall), ...lines].join('\n').trimEnd())
  }
  return overall === 'UP' || overall === 'DEGRADED' ? 0 : 1
}

export const statusCommand = defineCommand({
  form: '',
  about: 'Shows how the service and its neighbours are: UP, DEGRADED or DOWN, and why',
  flags: {},
  notes: `Where callers identify themselves it needs an administrator's credential, or --url with the port for operators.
`,
  read(_, words, faults) {
    fieldsInto(faults).nothingBehind(words, 0)
    return status
  },
})
