// Examples of the problems that many routes share.

import type { Scope } from '../../app/caller.ts'
import { invalid, problem, refused } from '../exchange/problem.ts'
import { forbidden, unauthorized } from '../gates/auth/verdict.ts'
import { tooManyBadCredentials, tooManyOfSubject } from '../gates/limits/limits.ts'

export const notAllowed = (allow: string) => ({
  METHOD_NOT_ALLOWED: () => problem('METHOD_NOT_ALLOWED', `this path takes ${allow}`, { headers: { allow } }),
})
export const scopeProblems = (scope: Scope) => ({
  UNAUTHORIZED: () => unauthorized('absent'),
  FORBIDDEN: () => forbidden(scope),
  RATE_LIMITED: () => tooManyOfSubject(1),
})
export const operatorProblems = {
  ...scopeProblems('orders:admin'),
  OVERLOADED: () => unauthorized('keys'),
  RATE_LIMITED: () => tooManyBadCredentials(1),
}
export const bugProblem = { INTERNAL: () => problem('INTERNAL', 'the service failed on this request') }
export const storeProblems = { INTERNAL: () => refused('INTERNAL'), OVERLOADED: () => refused('OVERLOADED') }
export const writeProblems = { ...storeProblems, OUTCOME_UNKNOWN: () => refused('OUTCOME_UNKNOWN') }
export const bodyProblems = {
  PAYLOAD_TOO_LARGE: () => problem('PAYLOAD_TOO_LARGE', 'the body must not be larger than 65536 bytes'),
  UNSUPPORTED_MEDIA_TYPE: () => problem('UNSUPPORTED_MEDIA_TYPE', 'send the body as content-type: application/json'),
}
export const badId = {
  BAD_REQUEST: () => invalid('Invalid id', [{ pointer: '', detail: 'the order id in the path must be a UUID' }]),
}
export const noOrder = { NOT_FOUND: () => problem('NOT_FOUND', 'there is no such order') }
export const badQuery = {
  BAD_REQUEST: () => invalid('Invalid query', [{ pointer: '?limit', detail: 'must be a whole number from 1 to 500' }]),
}
