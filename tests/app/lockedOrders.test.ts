// Proves: whatever is added to the orders that wait is tried, also at the very moment at which nothing waits any more.

import { expect, test } from 'bun:test'
import type { OrderItems } from '../../src/app/byOrder.ts'
import { createLockedOrders } from '../../src/app/lockedOrders.ts'

const nothing = (): void => undefined

test.each(Array.from({ length: 12 }, (_, turns) => turns))(
  'what comes %i turns after the last one was had is had too',
  async (turns) => {
    const second = Promise.withResolvers<string[]>()
    let tries = 0
    const locked = createLockedOrders(
      {
        apply: async (groups: readonly OrderItems<string>[]) => {
          if (tries++ === 0) void addLater()
          return { outcomes: groups.flatMap(({ items }) => items), left: [] }
        },
        orderIdOf: (item: string) => item.slice(0, 1),
      },
      { signal: new AbortController().signal, onRetry: nothing },
    )
    const addLater = async (): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      second.resolve(locked.add([{ orderId: 'b', items: ['b1', 'b2'] }]))
    }
    expect(await locked.add([{ orderId: 'a', items: ['a1'] }])).toEqual(['a1'])
    expect(await second.promise).toEqual(['b1', 'b2'])
    expect(locked.isBehind('b')).toBe(false)
  },
  5_000,
)
