// Asks before much happens.

import type { Context } from './context.ts'

/** 0: go on. Else the exit code: 1 the person does not want it, 2 there is nobody to ask. */
export const confirm = async (context: Context, question: string): Promise<0 | 1 | 2> => {
  const answer = await context.ask(`orders: ${question}`)
  if (answer === null) {
    context.say(`${question}: there is no terminal to ask at, so it needs --yes`)
    return 2
  }
  if (!answer) context.say('nothing was done')
  return answer ? 0 : 1
}
