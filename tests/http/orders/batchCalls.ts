// Calls of POST /orders/batch and POST /orders/validate, and what they have in common with POST /orders.

import { expect } from 'bun:test'
import { orderBody as randomBody } from '../../fuzz/orderBodies.ts'
import { randomStream } from '../../support/random.ts'
import { bodyOf, type Answer, type Harness } from '../harness.ts'

type ProblemJson = Record<string, unknown> & { status: number; code: string; errors: { pointer: string }[] }
export type Result = {
  status: number
  order?: Record<string, unknown> & { id: string }
  problem?: ProblemJson
  replayed?: true
}

/** A batch of these orders: objects, or the JSON text of each. */
export const placeBatch = (harness: Pick<Harness, 'call'>, orders: readonly (string | object)[]): Promise<Answer> => {
  const texts = orders.map((order) => (typeof order === 'string' ? order : JSON.stringify(order)))
  return harness.call('POST', '/orders/batch', { body: `{"orders":[${texts.join(',')}]}` })
}

/** The results of a batch that was taken. */
export const resultsOf = (answer: Answer): Result[] => {
  expect([answer.status, answer.text.slice(0, 12)]).toEqual([200, '{"results":['])
  return (bodyOf(answer) as { results: Result[] }).results
}

/** A problem without what differs from call to call: when, and on which path. */
export const timeless = (problem: Record<string, unknown>): Record<string, unknown> => {
  const { timestamp: _, path: __, ...rest } = problem
  return rest
}

/** Status and code of a result, and whether it repeats. */
export const outcomeOf = ({ status, problem, replayed }: Result): string =>
  [status, problem?.code, replayed === true ? 'replayed' : undefined].filter((part) => part !== undefined).join(' ')

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Texts of orders, lawful and hostile ones, each valid JSON. */
export const randomOrders = function* (seed: string): Generator<string> {
  for (let number = 0; ; number++) {
    const text = randomBody(randomStream(`${seed}:${number}`)).toString('utf8')
    if (isJson(text)) yield text
  }
}
