// A client of GET /events: what it saw, and where it goes on.

import type { RunningService } from './service.ts'
import { until } from './until.ts'

type Page = { events: { event: { orderId: string; version: number } }[]; cursor: string }

/** An event, as `<order id> <version>`. */
export type Seen = string

/** A cursor from now on. */
export const cursorOf = async (service: RunningService): Promise<string> => {
  const page = await until(
    async () => {
      const answer = await service.http('/events')
      return answer.status === 200 && answer
    },
    { what: 'the service gives a cursor' },
  )
  return String(page.json['cursor'])
}

/** Everything after the cursor, page by page; or why the cursor is no good any more. */
export const eventsAfter = async (
  service: RunningService,
  cursor: string,
): Promise<{ seen: Seen[]; cursor: string } | { reason: string }> => {
  const seen: Seen[] = []
  for (let next = cursor; ;) {
    const answer = await until(
      async () => {
        const { status, json } = await service.http(`/events?limit=100&cursor=${next}`)
        return status !== 503 && { status, json }
      },
      { what: 'the service reads the log' },
    )
    if (answer.status === 410) return { reason: String(answer.json['reason']) }
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.json)}`)
    const page = answer.json as unknown as Page
    seen.push(...page.events.map(({ event }) => `${event.orderId} ${event.version}`))
    if (page.events.length === 0) return { seen, cursor: page.cursor }
    next = page.cursor
  }
}
