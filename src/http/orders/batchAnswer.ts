// The answer to a batch of orders: for each order what it would get alone.

import type { PlaceAnswer } from '../../app/orders.ts'
import { problemJson, problems, retryAfterOf, type Occasion, type Problem } from '../exchange/problem.ts'
import type { WriteOrder } from './javaAnswers.ts'
import { placingProblem } from './problems.ts'

/** What became of an order: the answer of the use case, or what kept it from there. */
type Outcome = PlaceAnswer | Problem

const replayedMember = ',"replayed":true'

const acceptedJson = ({ order, replayed }: Extract<PlaceAnswer, { ok: true }>, write: WriteOrder): string =>
  `{"status":202,"order":${write(order)}${replayed ? replayedMember : ''}}`

/** In the place of an answer's header Idempotent-Replayed there is a member. */
const refusedJson = (problem: Problem, occasion: Occasion): string => {
  const replayed = problem.headers['idempotent-replayed'] === undefined ? '' : replayedMember
  return `{"status":${problems[problem.code].status},"problem":${problemJson(problem, occasion)}${replayed}}`
}

/** `retryAfter`: the longest wait that one of the results asks for, in seconds; null: none does. */
export const batchAnswer = (
  outcomes: readonly Outcome[],
  occasion: Occasion,
  write: WriteOrder,
): { text: string; retryAfter: string | null } => {
  let waitSeconds = 0
  const results = outcomes.map((outcome) => {
    if ('ok' in outcome && outcome.ok) return acceptedJson(outcome, write)
    const problem = 'ok' in outcome ? placingProblem(outcome) : outcome
    waitSeconds = Math.max(waitSeconds, Number(retryAfterOf(problem)))
    return refusedJson(problem, occasion)
  })
  return { text: `{"results":[${results.join(',')}]}`, retryAfter: waitSeconds === 0 ? null : String(waitSeconds) }
}
