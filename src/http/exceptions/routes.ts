// The routes of exceptions: the legs that could not be applied, and what an operator did about them.

import { readBody } from '../exchange/body.ts'
import { encodeCursor } from '../exchange/cursor.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { readId } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import type { RouteOptions } from '../orders/routes.ts'
import { exceptionJson, exceptionPageJson } from './answers.ts'
import { decodeExceptionsQuery } from './query.ts'
import { decodeResolution } from './resolution.ts'

const notAdmin = (): Problem => problem('FORBIDDEN', 'exceptions need the scope orders:admin')

const listExceptions = async (exchange: Exchange, { service, unknownFields }: RouteOptions): Promise<Answer> => {
  const query = decodeExceptionsQuery(searchOf(exchange.request), unknownFields)
  if (!query.ok) return invalid('Invalid query', query.faults)
  const { filter, limit } = query.value
  const page = await service.exceptions(exchange, filter, limit)
  if (page.ok) return json(200, exceptionPageJson(page.items, encodeCursor('exception', page.next)))
  return page.code === 'FORBIDDEN' ? notAdmin() : refused(page.code)
}

export const alreadyResolved = (): Problem =>
  problem('CONFLICT', 'this exception is resolved already, in other words; the first resolution stands', {
    title: 'Already resolved',
  })

const resolve = async (exchange: Exchange, options: RouteOptions): Promise<Answer> => {
  const { request, params } = exchange
  const exceptionId = readId(params, 'exception')
  if (typeof exceptionId !== 'string') return exceptionId
  const body = await readBody(request, { bytesMax: options.bodyMaxBytes, deadlineMs: options.bodyDeadlineMs })
  if (!body.ok) return body.problem
  const decoded = decodeResolution(body.text, options.unknownFields)
  if (!decoded.ok) return invalid('Invalid resolution', decoded.faults)
  const { resolvedBy, note } = decoded.value
  const result = await options.service.resolve(exchange, { id: exceptionId, resolvedBy, note })
  if (result.ok) return json(200, exceptionJson(result.exception))
  switch (result.code) {
    case 'FORBIDDEN':
      return notAdmin()
    case 'NOT_FOUND':
      return problem('NOT_FOUND', 'there is no such exception')
    case 'ALREADY_RESOLVED':
      return alreadyResolved()
    case 'OVERLOADED':
    case 'OUTCOME_UNKNOWN':
    case 'INTERNAL':
      return refused(result.code)
  }
}

export const exceptionHandlers = (options: RouteOptions) =>
  ({
    listExceptions: (exchange) => listExceptions(exchange, options),
    resolveException: (exchange) => resolve(exchange, options),
  }) satisfies Record<string, Handler>
