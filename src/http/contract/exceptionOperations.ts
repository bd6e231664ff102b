// The routes of exceptions.

import { ExceptionPage, TradeException } from '../exceptions/answers.ts'
import { ExceptionsQuery, ReportExceptionsQuery } from '../exceptions/query.ts'
import { ReportException, ReportExceptionPage } from '../exceptions/reportAnswers.ts'
import { Resolve } from '../exceptions/resolution.ts'
import { ById } from '../exchange/query.ts'
import { storeRefusals, bodyRefusals, writeRefusals, type OperationContract } from './operation.ts'

const listRefusals = { ...storeRefusals, BAD_REQUEST: { description: 'A parameter is invalid or unknown.' } } as const

const resolveRefusals = {
  ...writeRefusals,
  ...bodyRefusals,
  BAD_REQUEST: { description: 'The id is no UUID, or the body is invalid.' },
  NOT_FOUND: { description: 'There is no such exception.' },
  CONFLICT: {
    description: 'Titled "Already resolved": somebody resolved it in other words; the first resolution stands.',
  },
} as const

export const exceptionOperations = {
  listExceptions: {
    method: 'GET',
    path: '/exceptions',
    tag: 'Exceptions',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:admin',
    summary: 'List what could not be applied, newest first',
    query: ExceptionsQuery,
    answers: { 200: { description: 'A page.', body: ExceptionPage } },
    refusals: listRefusals,
  },
  resolveException: {
    method: 'POST',
    path: '/exceptions/{id}/resolve',
    tag: 'Exceptions',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:admin',
    summary: 'Say what was done about an exception',
    description: 'Once and for good; the same words again answer 200. It never moves an order.',
    params: ById,
    body: Resolve,
    answers: { 200: { description: 'The exception with its resolution.', body: TradeException } },
    refusals: resolveRefusals,
  },
  listReportExceptions: {
    method: 'GET',
    path: '/exceptions/reports',
    tag: 'Exceptions',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:admin',
    summary: 'List reports of the engine that do not fit, newest first',
    query: ReportExceptionsQuery,
    answers: { 200: { description: 'A page.', body: ReportExceptionPage } },
    refusals: listRefusals,
  },
  resolveReportException: {
    method: 'POST',
    path: '/exceptions/reports/{id}/resolve',
    tag: 'Exceptions',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:admin',
    summary: 'Say what was done about an exception of a report',
    description: 'Once and for good; the same words again answer 200. It never moves an order.',
    params: ById,
    body: Resolve,
    answers: { 200: { description: 'The exception with its resolution.', body: ReportException } },
    refusals: {
      ...resolveRefusals,
      BAD_REQUEST: { description: 'The id is no UUID, a parameter is given, or the body is invalid.' },
    },
  },
} as const satisfies Record<string, OperationContract>
