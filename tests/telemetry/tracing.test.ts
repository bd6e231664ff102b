// Proves: only a valid trace context is one, wherever it stands.

import { describe, expect, test } from 'bun:test'
import { messageTraceparent, noTracing, traceparentOf } from '../../src/telemetry/tracing.ts'

const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const invalid = [
  '',
  'nonsense',
  valid.toUpperCase(),
  `${valid} `,
  `${valid}-more`,
  valid.slice(0, -1),
  valid.replace('00-', '01-'),
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
]

describe('a trace context', () => {
  test('is taken as it is', () => {
    expect(traceparentOf(valid)).toBe(valid)
  })

  test.each([...invalid, null, undefined])('that is invalid is ignored: %j', (text) => {
    expect(traceparentOf(text)).toBeNull()
  })

  const headers = (pairs: Record<string, string>) =>
    new Map(Object.entries(pairs).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))

  test('of a message is found among its headers', () => {
    expect(messageTraceparent(headers({ other: valid, traceparent: valid }))).toBe(valid)
    expect(messageTraceparent(headers({ other: valid }))).toBeNull()
    expect(messageTraceparent(new Map())).toBeNull()
    expect(
      messageTraceparent([
        [Buffer.from('traceparent'), null],
        [null, Buffer.from(valid)],
      ]),
    ).toBeNull()
  })

  test.each(invalid)('of a message is ignored if it is invalid: %j', (text) => {
    expect(messageTraceparent(headers({ traceparent: text }))).toBeNull()
  })
})

test('without a collector there are no spans', () => {
  expect(noTracing.start({ name: 'any', kind: 'SERVER', parent: valid })).toBeNull()
})
