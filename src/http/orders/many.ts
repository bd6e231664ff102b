// The routes that cancel many orders: at once, or unless they are put off in time. They are younger than the Java service, so they refuse what
// they do not know always: a parameter that was dropped would widen what is canceled.

import { Type, type Static } from '@sinclair/typebox'
import { ownUser } from '../../app/caller.ts'
import { idsMax, type MassCanceled } from '../../app/massCancel.ts'
import { timeoutMaxMs, timeoutMinMs } from '../../app/switches.ts'
import { wholeAmount } from '../../domain/decimal.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import { uuidForm } from '../../domain/patterns.ts'
import { sides } from '../../domain/terms.ts'
import type { Switch } from '../../store/cancelAfter.ts'
import type { CancelScope } from '../../store/covered.ts'
import { amountOrZeroFromJson } from '../../wire/json.ts'
import { Status } from '../../wire/order.ts'
import { Instant, orNull, Uuid } from '../../wire/shapes.ts'
import { readBody } from '../exchange/body.ts'
import { memberOf, parseMembers, pointerOf, type Decoded } from '../exchange/decode.ts'
import type { Answer, Exchange, Handler } from '../exchange/exchange.ts'
import { invalid, refused, type Fault } from '../exchange/problem.ts'
import { choice, defineQuery, refuseQuery, ticker, uuid } from '../exchange/query.ts'
import { json, searchOf } from '../exchange/reply.ts'
import type { RouteOptions } from './options.ts'
import { foreignUser } from './problems.ts'

const manyQuery = defineQuery({ userId: uuid, ticker, side: choice(sides) })
export const ManyQuery = manyQuery.schema

export const needsScope: readonly Fault[] = [
  { pointer: '?userId', detail: 'or ticker must be given: say whose orders, or in which ticker' },
]

const decodeScope = (search: URLSearchParams): Decoded<CancelScope> => {
  const query = manyQuery.read(search, 'refuse')
  if (!query.ok) return query
  const { userId = null, ticker: name = null, side = null } = query.value
  return userId === null && name === null
    ? { ok: false, faults: [...needsScope] }
    : { ok: true, value: { userId, ticker: name, side } }
}

export const CanceledMany = Type.Object(
  {
    canceled: Type.Array(Uuid, { maxItems: idsMax, description: 'The orders that this request canceled.' }),
    notCanceled: Type.Array(Type.Object({ id: Uuid, orderStatus: Status }), {
      maxItems: idsMax,
      description: 'Orders that ended otherwise while this request was at work, and how.',
    }),
    remaining: Type.Boolean({
      description: 'Whether orders of this scope that were there when it began may still be open: then ask again.',
    }),
  },
  { component: 'CanceledMany', description: 'What a cancel of many orders has done.' },
)

export const canceledManyJson = ({ canceled, notCanceled, remaining }: Omit<MassCanceled, 'ok'>): string =>
  JSON.stringify({
    canceled,
    notCanceled: notCanceled.map(({ id, status }) => ({ id, orderStatus: status })),
    remaining,
  } satisfies Static<typeof CanceledMany>)

const cancelOrders = async (exchange: Exchange, { service }: RouteOptions): Promise<Answer> => {
  const scope = decodeScope(searchOf(exchange.request))
  if (!scope.ok) return invalid('Invalid query', scope.faults)
  const result = await service.cancelMany(exchange, scope.value)
  if (result.ok) return json(200, canceledManyJson(result))
  return result.code === 'FORBIDDEN' ? foreignUser('?userId') : refused(result.code)
}

const timeoutRule = `must be 0 or a whole number from ${timeoutMinMs} to ${timeoutMaxMs}`

export const CancelAfter = Type.Object(
  {
    userId: Type.Optional(
      Type.String({ pattern: uuidForm.sent, description: `${uuidForm.rule}; yours, if it is left out.` }),
    ),
    timeoutMs: Type.Union([Type.Literal(0), Type.Integer({ minimum: timeoutMinMs, maximum: timeoutMaxMs })], {
      description: `${timeoutRule}; 0 disarms.`,
    }),
  },
  { additionalProperties: false, component: 'CancelAfter' },
)

export const Armed = Type.Object(
  {
    userId: Uuid,
    firesAt: {
      ...orNull(Instant),
      description: 'When the orders are canceled, unless it is armed again before; null: it is disarmed.',
    },
    fired: Type.Optional(
      Type.Literal(true, {
        description:
          'Present where the deadline that stood before this request has fired: its orders are being canceled.',
      }),
    ),
  },
  { component: 'Armed', description: 'The switch of a user.' },
)

export const armedJson = ({ userId, firesAt, fired }: Switch): string =>
  JSON.stringify({
    userId,
    firesAt: firesAt?.toISOString() ?? null,
    ...(fired ? { fired } : {}),
  } satisfies Static<typeof Armed>)

/** Amounts have eight places. */
const amountScale = wholeAmount(1)

/** The time-out of a JSON number in any notation; null: it is none. */
const timeoutOf = (value: unknown): number | null => {
  const parsed = typeof value === 'string' ? null : amountOrZeroFromJson(value)
  if (parsed === null || !parsed.ok || parsed.amount % amountScale !== 0n) return null
  const ms = Number(parsed.amount / amountScale)
  return ms === 0 || (ms >= timeoutMinMs && ms <= timeoutMaxMs) ? ms : null
}

/** `callerId`: the user of a body without `userId`; null: the body has to name it. */
const decodeCancelAfter = (text: string, callerId: string | null): Decoded<{ userId: string; timeoutMs: number }> => {
  const parsed = parseMembers(text)
  if (!parsed.ok) return parsed
  const faults: Fault[] = []
  const [named, given] = [memberOf(parsed.value, 'userId'), memberOf(parsed.value, 'timeoutMs')]
  const timeoutMs = timeoutOf(given)
  const userId = named === undefined ? callerId : typeof named === 'string' ? canonicalUuid(named) : null
  if (userId === null) faults.push({ pointer: '/userId', detail: named === undefined ? 'is required' : uuidForm.rule })
  if (timeoutMs === null)
    faults.push({ pointer: '/timeoutMs', detail: given === undefined ? 'is required' : timeoutRule })
  for (const name of Object.keys(parsed.value))
    if (name !== 'userId' && name !== 'timeoutMs')
      faults.push({ pointer: pointerOf(name), detail: 'is not a member here; known are userId, timeoutMs' })
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: { userId: userId!, timeoutMs: timeoutMs! } }
}

const cancelAfter = async (
  exchange: Exchange,
  { service, bodyMaxBytes, bodyDeadlineMs }: RouteOptions,
): Promise<Answer> => {
  const unknown = refuseQuery(searchOf(exchange.request))
  if (unknown !== null) return unknown
  const body = await readBody(exchange.request, { bytesMax: bodyMaxBytes, deadlineMs: bodyDeadlineMs })
  if (!body.ok) return body.problem
  const decoded = decodeCancelAfter(body.text, ownUser(exchange.caller))
  if (!decoded.ok) return invalid('Invalid switch', decoded.faults)
  const result = await service.cancelAfter(exchange, decoded.value)
  if (result.ok) return json(200, armedJson(result.armed))
  return result.code === 'FORBIDDEN' ? foreignUser() : refused(result.code)
}

export const manyHandlers = (options: RouteOptions) =>
  ({
    cancelOrders: (exchange) => cancelOrders(exchange, options),
    cancelAfter: (exchange) => cancelAfter(exchange, options),
  }) satisfies Record<string, Handler>
