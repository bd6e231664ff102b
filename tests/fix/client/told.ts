// What a firm was told of orders, held against their histories.

import type { RunningService } from '../../support/service.ts'
import { until } from '../../support/until.ts'
import type { FirmSession, FixMessage } from './firm.ts'

/** The version that a report of an event is about; null: it is of no event (a status, a refusal). */
export const eventOf = ({ type, fields }: FixMessage): { orderId: string; version: number } | null => {
  const [, orderId, version] = /^([0-9a-f-]{36})\.(\d+)$/.exec(fields[17] ?? '') ?? []
  return type === '8' && orderId !== undefined ? { orderId, version: Number(version) } : null
}

/** The versions that were reported, by order, in the order of the messages' numbers. */
const reportedVersions = (session: FirmSession): Map<string, number[]> => {
  const versions = new Map<string, number[]>()
  for (const message of session.received().toSorted((left, right) => left.number - right.number)) {
    const event = eventOf(message)
    if (event !== null) versions.set(event.orderId, [...(versions.get(event.orderId) ?? []), event.version])
  }
  return versions
}

/** The versions of an order's events, oldest first. */
const eventVersions = async (service: RunningService, orderId: string): Promise<number[]> => {
  const { json } = await service.http(`/orders/${orderId}/events`)
  return (json['events'] as { version: number }[]).map(({ version }) => version)
}

/** Waits until each event of these orders was reported; then each must have been once, in order, and no other order. */
export const eachEventOnce = async (
  session: FirmSession,
  service: RunningService,
  orders: readonly string[],
): Promise<void> => {
  const expected = new Map<string, number[]>()
  for (const id of orders) expected.set(id, await eventVersions(service, id))
  const total = [...expected.values()].flat().length
  await until(() => session.received().filter((message) => eventOf(message) !== null).length >= total, {
    what: `${session.name} was told of ${total} events`,
  })
  const shown = (versions: Map<string, number[]>) =>
    [...versions].map(([id, all]) => `${id}: ${all.join(' ')}`).toSorted()
  const [told, events] = [shown(reportedVersions(session)), shown(expected)]
  if (told.join('\n') !== events.join('\n'))
    throw new Error(
      `reported:\n${told.filter((line) => !events.includes(line)).join('\n')}\nhappened:\n${events.filter((line) => !told.includes(line)).join('\n')}`,
    )
}
