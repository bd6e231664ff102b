// The routes of exceptions: what could not be applied, and what an operator says of it.

import { formatAmount } from '../../domain/decimal.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import type { ExceptionDisposition } from '../../domain/leg.ts'
import type { TradeException } from '../../store/exceptions.ts'
import { readBody } from '../exchange/body.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { pageJson } from '../orders/json.ts'
import { invalid, problem, refused, type Fault, type Problem } from '../exchange/problem.ts'
import { createReader, decodeCursor, encodeCursor } from '../orders/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import type { RouteOptions } from '../orders/routes.ts'
import { memberOf, parseMembers, type Decoded, type UnknownFields } from '../orders/decode.ts'

const dispositions = ['OVERFILL', 'CONFLICT', 'MISMATCH'] as const satisfies readonly ExceptionDisposition[]
const parameters = ['orderId', 'tradeId', 'disposition', 'resolved', 'limit', 'cursor'] as const

const uuid = (text: string): string | undefined => canonicalUuid(text) ?? undefined

const decodeQuery = (search: URLSearchParams, unknownFields: UnknownFields) => {
  const { read, limit, fault, faults } = createReader(search, parameters, unknownFields)
  const asked = search.getAll('disposition')
  const known = dispositions.filter((disposition) => asked.includes(disposition))
  if (asked.some((text) => !dispositions.some((disposition) => disposition === text)))
    fault('disposition', `must be one of ${dispositions.join(', ')}`)
  const resolved = read('resolved', (text) => ['true', 'false'].find((flag) => flag === text), 'must be true or false')
  const filter = {
    id: undefined,
    orderId: read('orderId', uuid, 'must be a UUID'),
    tradeId: read('tradeId', (text) => (/^\P{C}{1,64}$/u.test(text) ? text : undefined), 'must be 1 to 64 characters'),
    dispositions: known,
    resolved: resolved === undefined ? undefined : resolved === 'true',
    before: read('cursor', (text) => uuid(decodeCursor(text)), 'must be a nextCursor of this list, unchanged'),
  }
  return { filter, limit: limit(), faults }
}

/** Free text of an operator: anything but control characters, for it goes to logs and to Postgres. */
const isWords = (value: unknown, lengthMax: number): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= lengthMax && !/[\p{Cc}\p{Cs}]/u.test(value)

const resolveMembers = { resolvedBy: 200, note: 2000 } as const

const decodeResolve = (text: string, unknownFields: UnknownFields): Decoded<{ resolvedBy: string; note: string }> => {
  const parsed = parseMembers(text)
  if (!parsed.ok) return parsed
  const faults: Fault[] = []
  const readWords = (name: keyof typeof resolveMembers): string => {
    const [value, lengthMax] = [memberOf(parsed.value, name), resolveMembers[name]]
    if (isWords(value, lengthMax)) return value
    faults.push({ pointer: `/${name}`, detail: `must be text of 1 to ${lengthMax} characters without controls` })
    return ''
  }
  // Member by member: what else the body holds goes no further than here.
  const value = { resolvedBy: readWords('resolvedBy'), note: readWords('note') }
  const unknown = Object.keys(parsed.value).filter((name) => !Object.hasOwn(resolveMembers, name))
  if (unknownFields === 'refuse' && unknown.length > 0)
    faults.push({ pointer: '', detail: 'only resolvedBy and note are known here' })
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value }
}

export const exceptionJson = (exception: TradeException): string => {
  const { quantity, price, key, topic, partition, offset, message, resolution, ...plain } = exception
  const amounts = `"quantity":${formatAmount(quantity)},"price":${formatAmount(price)}`
  const rest = {
    source: { topic, partition, offset },
    keyBase64: key === null ? null : Buffer.from(key).toString('base64'),
    message,
    resolution,
  }
  return `${JSON.stringify(plain).slice(0, -1)},${amounts},${JSON.stringify(rest).slice(1)}`
}

const listExceptions = async ({ request }: Exchange, { service, unknownFields }: RouteOptions): Promise<Answer> => {
  const { filter, limit, faults } = decodeQuery(searchOf(request), unknownFields)
  if (faults.length > 0) return invalid('Invalid query', faults)
  const page = await service.exceptions(filter, limit + 1)
  if (!page.ok) return refused(page.code)
  const shown = page.exceptions.slice(0, limit)
  const cursor = page.exceptions.length > limit ? encodeCursor(shown.at(-1)!.id) : null
  return json(200, pageJson('exceptions', shown.map(exceptionJson), cursor))
}

export const alreadyResolved = (): Problem =>
  problem('CONFLICT', 'this exception is resolved already, in other words; the first resolution stands', {
    title: 'Already resolved',
  })

const resolve = async ({ request, params }: Exchange, options: RouteOptions): Promise<Answer> => {
  const exceptionId = canonicalUuid(params['id']!)
  if (exceptionId === null)
    return invalid('Invalid id', [{ pointer: '', detail: 'the exception id in the path must be a UUID' }])
  const body = await readBody(request, { bytesMax: options.bodyMaxBytes, deadlineMs: options.bodyDeadlineMs })
  if (!body.ok) return body.problem
  const decoded = decodeResolve(body.text, options.unknownFields)
  if (!decoded.ok) return invalid('Invalid resolution', decoded.faults)
  const { resolvedBy, note } = decoded.value
  const result = await options.service.resolve({ id: exceptionId, resolvedBy, note })
  if (result.ok) return json(200, exceptionJson(result.exception))
  switch (result.code) {
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
