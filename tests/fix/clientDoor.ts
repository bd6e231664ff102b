// The door of FIX to the running service: the client is a firm with QuickFIX/J, the engine and the market are records on its topics. What a
// report says of an order is what the firm was told; HTTP is asked only how many events the order has, so that each is waited for.

import type { RunningService } from '../support/service.ts'
import type { World } from '../support/world.ts'
import { fixTime } from './client/fields.ts'
import type { FirmSession, FixMessage } from './client/firm.ts'
import type { Door, Seen } from './play.ts'
import { engineOf, goodForMs, type Engine, type Json } from './serviceDoor.ts'
import type { ClOrdId, ExecType, NewOrderSingle, OrderCancelRequest, OrdStatus } from './words.ts'

const execTypes: Readonly<Record<string, ExecType>> = {
  0: 'New',
  4: 'Canceled',
  8: 'Rejected',
  C: 'Expired',
  F: 'Trade',
  I: 'OrderStatus',
  L: 'Triggered',
}
const ordStatuses: Readonly<Record<string, OrdStatus>> = {
  0: 'New',
  1: 'PartiallyFilled',
  2: 'Filled',
  4: 'Canceled',
  8: 'Rejected',
  C: 'Expired',
}
const timesInForce = {
  Day: '0',
  GoodTillCancel: '1',
  ImmediateOrCancel: '3',
  FillOrKill: '4',
  GoodTillDate: '6',
} as const

/** The reason that names none. */
const other = '99'

const wordOf = <T>(table: Readonly<Record<string, T>>, code: string | undefined): T => {
  const word = table[code ?? '']
  if (word === undefined) throw new Error(`no report says ${code}`)
  return word
}

const seenOf = ({ type, fields }: FixMessage): Seen => {
  const named = fields[37] === 'NONE' ? ({ orderId: 'NONE' } as const) : {}
  const ordStatus = wordOf(ordStatuses, fields[39])
  if (type === '9')
    return { message: 'OrderCancelReject', ordStatus, cxlRejReason: Number(fields[102]) as 0 | 1, ...named }
  const reason = fields[103]
  return {
    message: 'ExecutionReport',
    execType: wordOf(execTypes, fields[150]),
    ordStatus,
    orderQty: Number(fields[38]),
    cumQty: Number(fields[14]),
    leavesQty: Number(fields[151]),
    lastQty: Number(fields[32] ?? '0'),
    avgPx: Number(fields[14]) === 0 ? null : Number(fields[6]),
    ...(reason === undefined || reason === other ? {} : { ordRejReason: Number(reason) as 6 | 11 }),
    ...named,
  }
}

const expectIds = ({ fields }: FixMessage, clOrdId: string, origClOrdId?: string): void => {
  if (fields[11] !== clOrdId || fields[41] !== origClOrdId)
    throw new Error(`it names ${fields[11]} and ${fields[41]}, not ${clOrdId} and ${origClOrdId}`)
}

let clients = 0

/** One client of the service, with orders on a ticker of its own, on a session that it shares with others. */
const clientOf = (service: RunningService, session: FirmSession) => {
  const ticker = `QFJ${++clients}`
  const keyOf = (id: ClOrdId): string => `${ticker}-${id}`
  const ofOrder = { 55: ticker, 54: 1 }
  const ids = new Map<ClOrdId, string>()
  const idOf = (id: ClOrdId): string => ids.get(id) ?? crypto.randomUUID()
  const orderOf = async (id: ClOrdId): Promise<Json | null> => {
    const { status, json } = await service.http(`/orders/${idOf(id)}`)
    return status === 200 ? json : null
  }
  /** Sends, and waits for what answers: a report or a reject that has this id, of those that come after. */
  const ask = async (type: string, key: string, fields: Record<number, string | number>): Promise<FixMessage> => {
    const before = new Set(session.received().map(({ number }) => number))
    session.send(type, { 11: key, ...ofOrder, ...fields })
    return session.message(({ number, fields }) => !before.has(number) && fields[11] === key, `the answer to ${key}`)
  }
  const place = async (request: NewOrderSingle): Promise<FixMessage> => {
    const { clOrdId, orderQty, timeInForce = 'GoodTillCancel', stopPx, execInst, possResend } = request
    const answer = await ask('D', keyOf(clOrdId), {
      60: fixTime(new Date()),
      38: orderQty,
      59: timesInForce[timeInForce],
      ...(stopPx === undefined ? { 40: 2, 44: 200 } : { 40: 3, 99: stopPx }),
      ...(timeInForce === 'GoodTillDate' ? { 126: fixTime(new Date(Date.now() + goodForMs)) } : {}),
      ...(execInst === undefined ? {} : { 18: 6 }),
      ...(possResend === undefined ? {} : { 97: 'Y' }),
    })
    expectIds(answer, keyOf(clOrdId))
    ids.set(clOrdId, answer.fields[37]!)
    return answer
  }
  const cancel = async ({ clOrdId, origClOrdId }: OrderCancelRequest): Promise<FixMessage> => {
    const answer = await ask('F', keyOf(clOrdId), { 41: keyOf(origClOrdId), 60: fixTime(new Date()) })
    expectIds(answer, keyOf(clOrdId), keyOf(origClOrdId))
    return answer
  }
  const status = (clOrdId: ClOrdId) => ask('H', keyOf(clOrdId), {})
  /** The report of the newest event of the order X. */
  const newest = async (): Promise<FixMessage> => {
    const id = idOf('X')
    const { json } = await service.http(`/orders/${id}/events`)
    const { version } = (json['events'] as Json[]).at(-1)!
    return session.message(({ fields }) => fields[17] === `${id}.${String(version)}`, `version ${String(version)}`)
  }
  return { ticker, idOf, orderOf, place, cancel, status, newest }
}

export const clientDoor = (world: World, service: RunningService, session: FirmSession, engine: Engine): Door => {
  return () => {
    const client = clientOf(service, session)
    const happen = engineOf(client, world, engine)
    return async (cause) => {
      if (cause.by !== 'client') {
        await happen(cause)
        return seenOf(await client.newest())
      }
      const { request } = cause
      if (request.message === 'NewOrderSingle') return seenOf(await client.place(request))
      if (request.message === 'OrderCancelRequest') return seenOf(await client.cancel(request))
      return seenOf(await client.status(request.clOrdId))
    }
  }
}
