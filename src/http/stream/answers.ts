// The answer of polling: its schema, and the function that writes it.

import { Type } from '@sinclair/typebox'
import type { LogEvent } from '../../app/follow.ts'
import { OrderEvent } from '../../wire/event.ts'

export const PollPage = Type.Object({
  events: Type.Array(OrderEvent),
  cursor: Type.String({ description: 'Send it with the next call, also when there were no events.' }),
})

/** Each event is text already. */
export const pollPageJson = (events: readonly Pick<LogEvent, 'text'>[], cursor: string): string =>
  `{"events":[${events.map(({ text }) => text).join(',')}],"cursor":${JSON.stringify(cursor)}}`
