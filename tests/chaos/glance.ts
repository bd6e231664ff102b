// The checks after every cycle, while requests are still under way: cheap, and early enough to stop near the cause.

import type { Violation } from './checker/evidence.ts'
import { persist } from './persist.ts'
import type { World } from './world.ts'

export type Glance = {
  /** `acked`: orders acknowledged since the last look. */
  look: (acked: readonly string[]) => Promise<Violation[]>
}

const orderIdPattern = /"orderId":"([^"]+)"/
const decoder = new TextDecoder()

export const createGlance = ({ tables, side, replicas, third }: World): Glance => {
  const onTopic = new Set<string>()
  let read = 0

  const readPlacements = async (): Promise<void> => {
    const { placed } = side.logs
    await persist(placed.readToEnd)
    for (; read < placed.records.length; read++) {
      const match = orderIdPattern.exec(decoder.decode(placed.records[read]!.bytes ?? undefined))
      if (match?.[1] !== undefined) onTopic.add(match[1])
    }
  }
  const missing = async (acked: readonly string[]): Promise<string[]> => {
    const rows = await tables.sql<{ id: string }[]>`select id from orders where id = any (${acked as string[]}::uuid[])`
    const present = new Set(rows.map(({ id }) => id))
    return acked.filter((id) => !present.has(id))
  }
  return {
    async look(acked) {
      // An event that left the outbox was acknowledged before this moment, so a later read of the topic finds it.
      const published = await persist(tables.published)
      await readPlacements()
      const missingEvents = published.filter((id) => !onTopic.has(id))
      const ends = [...replicas, third].map((replica) => replica.ownEnd()).filter((end) => end !== null)
      return [
        ...(await persist(() => missing(acked))).map((id) => ({
          kind: 'ACKED_ORDER_MISSING' as const,
          detail: `order ${id}`,
        })),
        ...missingEvents.map((id) => ({
          kind: 'EVENT_MISSING' as const,
          detail: `order ${id}: neither waiting nor on the topic`,
        })),
        ...(await persist(tables.revived)).map((id) => ({
          kind: 'FINAL_STATUS_CHANGED' as const,
          detail: `order ${id}`,
        })),
        ...ends.map((detail) => ({ kind: 'NOT_READY' as const, detail })),
      ]
    },
  }
}
