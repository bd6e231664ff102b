// Which order a message means: by its id, or by the key of one of the session's users.

import type { FixUseCases } from '../../app/fix.ts'
import { doorText } from '../../domain/door.ts'
import { contradiction, type OrderRequest } from '../orders/decodeRequests.ts'
import type { OrderSeen } from '../orders/executionReport.ts'
import type { OrderSession } from '../orders/session.ts'

export type OrderFinding = {
  /** Null: there is no such order of these users. */
  seenOf: (target: OrderRequest['target'], users: readonly string[]) => Promise<OrderSeen | null>
  /** With what the request says about the order that it is not. Null: there is no such order for this session. */
  find: (request: OrderRequest) => Promise<{ seen: OrderSeen; contradiction: string | null } | null>
}

export const createOrderFinding = (session: OrderSession, fix: Pick<FixUseCases, 'lookUp'>): OrderFinding => {
  const seenOf: OrderFinding['seenOf'] = async (target, users) => {
    if (target.id === null && target.key === null) return null
    const found = await fix.lookUp(users, target.id === null ? { clientOrderId: target.key } : { orderId: target.id })
    if (found === null) return null
    return { order: found.order, origin: found.door === null ? null : doorText(found.door) }
  }
  return {
    seenOf,
    async find(request) {
      const seen = await seenOf(request.target, [...request.users.keys()])
      return seen === null ? null : { seen, contradiction: contradiction(request, seen, session) }
    },
  }
}
