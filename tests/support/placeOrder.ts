// Places the plain order at a running service, for tests that need an order and are about something else.

import { orderBody } from './orderBody.ts'
import type { RunningService } from './service.ts'
import { until } from './until.ts'

/** Answers the id. `members`: added to the order, or replaced. */
export const placeOrder = async (service: RunningService, members: Record<string, unknown> = {}): Promise<string> => {
  const { status, json } = await service.post(orderBody(members))
  if (status !== 202) throw new Error(`an order was answered ${status}: ${JSON.stringify(json)}`)
  return String(json['id'])
}

/** The same while the service may refuse: it asks until the order is taken. */
export const placeOnceTaken = async (
  service: RunningService,
  members: Record<string, unknown> = {},
): Promise<string> => {
  const { json } = await until(
    async () => {
      const answer = await service.post(orderBody(members))
      return answer.status === 202 && answer
    },
    { what: 'an order is taken' },
  )
  return String(json['id'])
}
