// The introduction of the document, and its tags.

const introduction = `The single source of truth for the life of an order.

**Amounts** are exact decimals, written as JSON numbers (\`150.5\`, \`0.00000001\`; never an exponent, never rounded). A client that
reads them as doubles loses digits past the 15th: read them with a decimal parser. In requests a string does as well.

**Repeating a request safely**: send \`clientOrderId\` or the header \`Idempotency-Key\`. The same key with the same order answers 202
with the order as it is now and \`Idempotent-Replayed: true\`.

**Problems** are RFC 9457. Two must not be confused: after a 503 \`OVERLOADED\` nothing was stored; after a 504 \`OUTCOME_UNKNOWN\` the
order may exist: ask again with the same key.

**Lists** are newest first and paged by an opaque cursor: follow \`nextCursor\` until it is null.

Every GET answers HEAD as well, every path OPTIONS. New members, headers and statuses of refusal may come within a major version: ignore what you do not
know. \`/asyncapi.json\` describes the Kafka topics, \`/orders.proto\` the calls over gRPC.`

const java = `

This service has JAVA_COMPATIBILITY: it answers as the Java service did where clients of that may lean on it. An unknown id is a 400 to
\`GET /orders/{id}\` and \`POST /orders/{id}/cancel\`, a cancel may be repeated, and of a canceled order remains what was not filled.`

/** `isJava`: the service has JAVA_COMPATIBILITY. */
export const introductionOf = (isJava: boolean): string => (isJava ? introduction + java : introduction)

export const tags = [
  { name: 'Orders', description: 'Placing, reading and canceling orders.' },
  { name: 'Exceptions', description: 'Trades and reports of the engine that could not be applied, for an operator.' },
  { name: 'Operation', description: 'Health, version and metrics.' },
  { name: 'Contracts', description: 'These documents.' },
  { name: 'Methods', description: 'OPTIONS, on every path.' },
]
