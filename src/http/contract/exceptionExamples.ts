// One example for every answer about exceptions.

import { exceptionJson, exceptionPageJson } from '../exceptions/answers.ts'
import { reportExceptionJson, reportExceptionPageJson } from '../exceptions/reportAnswers.ts'
import { alreadyResolved } from '../exceptions/routes.ts'
import { invalid, problem } from '../exchange/problem.ts'
import { badQuery, bodyProblems, notAllowed, scopeProblems, storeProblems, writeProblems } from './exampleProblems.ts'
import { exception, reportException, resolvedException, resolvedReportException } from './examples.ts'

const ofTrades = {
  listExceptions: {
    ...scopeProblems('orders:admin'),
    ...notAllowed('GET, HEAD, OPTIONS'),
    ...storeProblems,
    ...badQuery,
    200: () => exceptionPageJson([exception], null),
  },
  resolveException: {
    ...scopeProblems('orders:admin'),
    ...notAllowed('OPTIONS, POST'),
    ...writeProblems,
    ...bodyProblems,
    200: () => exceptionJson(resolvedException),
    BAD_REQUEST: () =>
      invalid('Invalid resolution', [
        { pointer: '/note', detail: 'must be text of 1 to 2000 characters without controls' },
      ]),
    NOT_FOUND: () => problem('NOT_FOUND', 'there is no such exception'),
    CONFLICT: alreadyResolved,
  },
} as const

/** The examples of the routes of exceptions. */
export const exceptions = {
  ...ofTrades,
  listReportExceptions: { ...ofTrades.listExceptions, 200: () => reportExceptionPageJson([reportException], null) },
  resolveReportException: {
    ...ofTrades.resolveException,
    200: () => reportExceptionJson(resolvedReportException),
  },
} as const
