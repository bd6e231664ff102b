// The routes of exceptions: legs of trades and reports of the engine that did not fit, and what an operator did about them.

import type { BatchRefusal } from '../../app/batcher.ts'
import type { ResolveCommand, ResolveResult } from '../../app/resolve.ts'
import { readBody } from '../exchange/body.ts'
import { encodeCursor } from '../exchange/cursor.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { invalid, problem, refused, type Problem } from '../exchange/problem.ts'
import { readId, refuseQuery } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import type { RouteOptions } from '../orders/options.ts'
import { exceptionJson, exceptionPageJson } from './answers.ts'
import { decodeExceptionsQuery, decodeReportExceptionsQuery } from './query.ts'
import { reportExceptionJson, reportExceptionPageJson } from './reportAnswers.ts'
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

/** What a resolution came to. `write`: writes the exception. */
const resolution = <E>(
  result: ResolveResult<E> | { ok: false; code: 'FORBIDDEN' } | BatchRefusal,
  write: (exception: E) => string,
): Answer => {
  if (result.ok) return json(200, write(result.exception))
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

/** Reads the command in a request, and answers what `answer` makes of it. */
const resolve = async (
  { request, params }: Exchange,
  options: RouteOptions,
  answer: (command: ResolveCommand) => Promise<Answer>,
): Promise<Answer> => {
  const exceptionId = readId(params, 'exception')
  if (typeof exceptionId !== 'string') return exceptionId
  const body = await readBody(request, { bytesMax: options.bodyMaxBytes, deadlineMs: options.bodyDeadlineMs })
  if (!body.ok) return body.problem
  const decoded = decodeResolution(body.text, options.unknownFields)
  if (!decoded.ok) return invalid('Invalid resolution', decoded.faults)
  const { resolvedBy, note } = decoded.value
  return answer({ id: exceptionId, resolvedBy, note })
}

const listReportExceptions = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const query = decodeReportExceptionsQuery(searchOf(exchange.request), 'refuse')
  if (!query.ok) return invalid('Invalid query', query.faults)
  const { filter, limit } = query.value
  const page = await service.reportExceptions(exchange, filter, limit)
  if (page.ok) return json(200, reportExceptionPageJson(page.items, encodeCursor('reportException', page.next)))
  return page.code === 'FORBIDDEN' ? notAdmin() : refused(page.code)
}

export const exceptionHandlers = (options: RouteOptions) =>
  ({
    listExceptions: (exchange) => listExceptions(exchange, options),
    resolveException: (exchange) =>
      resolve(exchange, options, async (command) =>
        resolution(await options.service.resolve(exchange, command), exceptionJson),
      ),
    listReportExceptions: (exchange) => listReportExceptions(exchange, options),
    // Younger than the Java service, so no old client leans on unknown members and parameters.
    resolveReportException: (exchange) =>
      refuseQuery(searchOf(exchange.request)) ??
      resolve(exchange, { ...options, unknownFields: 'refuse' }, async (command) =>
        resolution(await options.service.resolveReport(exchange, command), reportExceptionJson),
      ),
  }) satisfies Record<string, Handler>
