// Checks the answer to a batch: for each order, at its place, what it would get alone.

import { internals, orderFault, problemMembersFault, sameNames, textOf, type TakenOrder } from './checkAnswer.ts'
import type { Key, Terms, Verdict } from './expectedOrder.ts'
import { membersOf, parseStrict, type Json } from './strictJson.ts'
import type { Answer } from './wire.ts'

/** Whatever words are in a value. */
const wordsIn = (value: Json): string => {
  if (value.kind === 'string') return value.value
  if (value.kind === 'array') return value.items.map(wordsIn).join('\n')
  return value.kind === 'object' ? value.members.map(([name, inner]) => `${name}\n${wordsIn(inner)}`).join('\n') : ''
}

const numberOf = (value: Json | undefined): number => (value?.kind === 'number' ? Number(value.source) : Number.NaN)

const resultFault = (result: Json, expected: Verdict<Terms>, path: string | null): string | null => {
  const members = membersOf(result)
  const status = numberOf(members.get('status'))
  const replayed = members.get('replayed')
  if (replayed !== undefined && !(replayed.kind === 'literal' && replayed.value === true)) return 'replayed is not true'
  const names = [...members.keys()].filter((name) => name !== 'replayed')
  if (status === 202) {
    if ('refused' in expected) return `a 202 instead of ${expected.refused}`
    if (!sameNames(names, ['status', 'order'])) return `the result has the members ${names.join()}`
    return orderFault(membersOf(members.get('order')!), expected.taken)
  }
  const lawful = 'refused' in expected ? [expected.refused] : expected.taken.clientOrderId === null ? [] : [409, 422]
  if (![...lawful, 503].includes(status)) return `a ${status} for ${JSON.stringify(expected)}`
  if (!sameNames(names, ['status', 'problem'])) return `the result has the members ${names.join()}`
  const problem = members.get('problem')!
  const leak = internals.exec(wordsIn(problem))?.[0]
  return leak === undefined
    ? problemMembersFault(membersOf(problem), status, path, status === 409 ? 'VOIDED' : undefined)
    : `the problem of a result gives away "${leak}"`
}

const resultsIn = ({ body }: Answer): Json[] | null => {
  const parsed = parseStrict(body)
  if (parsed === null || parsed === 'TOO_DEEP') return null
  const members = membersOf(parsed)
  const results = members.get('results')
  return members.size === 1 && results?.kind === 'array' ? results.items : null
}

export const batchFault = (answer: Answer, expected: readonly Verdict<Terms>[], path: string | null): string | null => {
  const results = resultsIn(answer)
  if (results === null) return 'the answer is no list of results'
  if (results.length !== expected.length) return `${results.length} results for ${expected.length} orders`
  const waits = results.some((result) => numberOf(membersOf(result).get('status')) === 503)
  if (waits !== answer.headers.has('retry-after')) return 'Retry-After is not where a result is a 503'
  for (const [i, result] of results.entries()) {
    const fault = resultFault(result, expected[i]!, path)
    if (fault !== null) return `of a batch: ${fault}`
  }
  return null
}

/** The key of these terms, if they have one. */
export const keysOf = (terms: Terms | null): Key[] =>
  terms === null || terms.clientOrderId === null ? [] : [{ ...terms, clientOrderId: terms.clientOrderId }]

/** What a batch promised: its orders, those whose key another order holds, and the keys that are void. */
export const promisedBy = (
  answer: Answer,
  expected: readonly Verdict<Terms>[],
): { placed: (TakenOrder & { terms: Terms })[]; mismatched: Terms[]; voided: Key[] } => {
  const placed: (TakenOrder & { terms: Terms })[] = []
  const mismatched: Terms[] = []
  const voided: Key[] = []
  for (const [i, result] of (resultsIn(answer) ?? []).entries()) {
    const one = expected[i]
    if (one === undefined || 'refused' in one) continue
    const members = membersOf(result)
    const id = textOf(membersOf(members.get('order') ?? result).get('id'))
    if (id !== null) placed.push({ id, replayed: members.has('replayed'), terms: one.taken })
    else if (numberOf(members.get('status')) === 422) mismatched.push(one.taken)
    else if (numberOf(members.get('status')) === 409) voided.push(...keysOf(one.taken))
  }
  return { placed, mismatched, voided }
}
