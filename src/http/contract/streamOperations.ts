// The routes that follow the log.

import { Type } from '@sinclair/typebox'
import { resetReasons } from '../../app/follow.ts'
import { oneOf } from '../../wire/shapes.ts'
import { PollPage } from '../stream/answers.ts'
import { EventsParameters, FollowParameters, LastEventId } from '../stream/query.ts'
import { storeRefusals, type OperationContract } from './operation.ts'

const badQuery = { description: 'A parameter is invalid or unknown, or the cursor is none.' }

export const streamOperations = {
  streamOrders: {
    method: 'GET',
    path: '/orders/stream',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:read',
    streams: true,
    summary: 'Follow orders: what is open now, then every change',
    description:
      'Server-sent events. Without a cursor it begins with `snapshot` events (`{ "orders": [Order] }`, the open orders page by page) and ' +
      'one `live` (`{}`). Then comes `order` for every change: `{ "event": Event, "order": Order }`, the order as of that version. ' +
      'Every `id` is a cursor: `Last-Event-ID` resumes after it, at any replica, without a gap; an event may come again, so compare ' +
      'versions. `reset` (`{ "reason" }`: ' +
      `${resetReasons.join(', ')}) says that the cursor cannot be resumed: a snapshot follows. \`lagging\` is the last event of a ` +
      'client that reads too slowly; it connects again with its cursor. Every 15 s comes a comment, which may move the cursor. The ' +
      'stream ends when the credential expires or is revoked. HEAD answers the headers alone.',
    query: FollowParameters,
    headers: LastEventId,
    answers: {
      200: {
        description: 'The stream; it goes on until one side ends it.',
        body: Type.String({ description: 'Server-sent events; the data of each is JSON in one line.' }),
        types: ['text/event-stream'],
        headers: {
          'Cache-Control': {
            schema: Type.Literal('no-store, no-transform'),
            description: 'No proxy may compress it: that would keep events back.',
          },
          'X-Accel-Buffering': { schema: Type.Literal('no'), description: 'No proxy may keep events back.' },
        },
      },
    },
    refusals: {
      ...storeRefusals,
      BAD_REQUEST: badQuery,
      RATE_LIMITED: {
        description: 'Too many requests; or too many streams are open, of this caller or in all.',
        headers: {
          'Retry-After': { schema: Type.Integer({ minimum: 0 }), description: 'Seconds to wait before the next try.' },
        },
      },
    },
  },
  pollEvents: {
    method: 'GET',
    path: '/events',
    tag: 'Orders',
    needs: 'store',
    audience: 'everybody',
    access: 'orders:read',
    summary: 'Follow orders by polling',
    description:
      'The events after `cursor`, oldest first, with the filters, the events and the cursors of the stream. Without a cursor there are none yet: ' +
      'the answer has the cursor of now. Ask at once while a page is full, every second or so otherwise.',
    query: EventsParameters,
    answers: { 200: { description: 'A page; it may be empty.', body: PollPage } },
    refusals: {
      ...storeRefusals,
      BAD_REQUEST: badQuery,
      CURSOR_EXPIRED: {
        description: 'The cursor cannot be resumed: read the orders anew, then begin without one.',
        members: { reason: oneOf(resetReasons) },
      },
    },
  },
} as const satisfies Record<string, OperationContract>
