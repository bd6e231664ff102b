// Proves: every refusal is observed with its call and its code, and observing it changes no answer.

import { expect, test } from 'bun:test'
import { observeRefusals } from '../../src/app/refusals.ts'
import type { Service } from '../../src/app/service.ts'

const refused = { ok: false, code: 'OVERLOADED' } as const
const found = { ok: true, order: null } as const

test('refusals are told, what succeeds is not, and the answers are those of the service', async () => {
  const calls = ['place', 'validate', 'void', 'cancel', 'find', 'list', 'fills', 'exceptions', 'resolve'] as const
  const answering = (answer: object) =>
    Object.fromEntries(calls.map((call) => [call, () => Promise.resolve(answer)])) as unknown as Service
  const lines: string[] = []
  const onRefusal = (call: string, code: string) => void lines.push(`${call} ${code}`)
  for (const call of calls) {
    const ask = (service: Service) => (service[call] as () => Promise<unknown>)()
    expect(await ask(observeRefusals(answering(refused), onRefusal))).toBe(refused)
    expect(await ask(observeRefusals(answering(found), onRefusal))).toBe(found)
  }
  expect(lines).toEqual(calls.map((call) => `${call} OVERLOADED`))
})

test('of orders that come together each refusal is told', async () => {
  const lines: string[] = []
  const answers = [refused, found, { ok: false, code: 'FORBIDDEN' } as const]
  const service = { placeMany: () => Promise.resolve(answers) } as unknown as Service
  const observed = observeRefusals(service, (call, code) => void lines.push(`${call} ${code}`))
  expect(await (observed.placeMany as () => Promise<unknown>)()).toBe(answers)
  expect(lines).toEqual(['place OVERLOADED', 'place FORBIDDEN'])
})

test('an order that is turned away unread is told as one that was refused', () => {
  const lines: string[] = []
  const turning = (turnAway: Service['turnAway']) =>
    observeRefusals({ turnAway } as Service, (call, code) => void lines.push(`${call} ${code}`))
  expect(turning(() => null).turnAway()).toBeNull()
  expect(turning(() => refused).turnAway()).toBe(refused)
  expect(lines).toEqual(['place OVERLOADED'])
})
