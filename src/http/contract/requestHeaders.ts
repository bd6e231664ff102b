// The schemas of request headers. The schemas of queries and bodies are in the files that read them.

import { Type } from '@sinclair/typebox'
import { headerKeyPattern } from '../orders/idempotencyKey.ts'
import { ifMatchPattern } from '../orders/ifMatch.ts'

const Traceparent = Type.Optional(
  Type.String({
    description: 'W3C trace context. It goes along with the event; one that is not valid is ignored.',
    examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  }),
)

/** The readers take any list of RFC 9110: see orders/ifMatch.ts. */
export const CancelHeaders = Type.Object({
  'If-Match': Type.Optional(
    Type.String({
      pattern: ifMatchPattern,
      description:
        'The ETag of the order as you know it, such as `"3"`, or several with commas between them: if it has another version by now, nothing ' +
        'is canceled. `*`: whatever version it has. A weak tag (`W/"3"`) matches none.',
    }),
  ),
  traceparent: Traceparent,
})

/** Of a batch: it takes no Idempotency-Key. */
export const BatchHeaders = Type.Object({ traceparent: Traceparent })

export const PlaceHeaders = Type.Object({
  'Idempotency-Key': Type.Optional(
    // One text with one pattern: of alternatives generators make a class, and send its name as the key.
    Type.String({
      pattern: headerKeyPattern,
      description:
        'Makes it safe to repeat the request. The same as the member `clientOrderId`: unique per user for ever; if both are given they ' +
        'must be equal. In quotes (draft-ietf-httpapi-idempotency-key-header: `\\"` and `\\\\` stand for `"` and `\\`) it is the text inside, ' +
        'unless the user holds a key with the quotes from 1.0. Once only: a bare key with a comma and a space in it is refused, for ' +
        'that is how two headers arrive.',
    }),
  ),
  traceparent: Traceparent,
})
