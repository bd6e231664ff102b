// Proves: the table of the matrices is whole and coherent, and a runner cannot leave out a row without being seen.

import { describe, expect, test } from 'bun:test'
import { playsOf } from './forms.ts'
import { scenarios, type Scenario } from './matrices.ts'
import { count } from './play.ts'
import type { ExecutionReport } from './words.ts'

const ids = [
  'A.1.a A.1.b B.1.a B.1.b B.1.c B.1.d B.1.e B.1.f C.1.a C.1.b C.1.c C.2.a C.3.a C.3.b C.3.c D.1.a D.1.b D.1.c D.2.a D.2.b D.2.c',
  'E.1.a E.1.b E.1.c E.1.d F.1.a F.1.b F.1.c G.1.a G.1.b G.1.c H.1.a H.1.b H.1.c H.1.d I.1.a I.1.b J.1.a J.1.b J.1.c J.1.d',
  'K.1.a K.1.b L.1.a L.1.b',
].flatMap((line) => line.split(' '))

const reportsOf = ({ steps, branches = [] }: Scenario): ExecutionReport[] =>
  [steps, ...branches.map((branch) => branch.steps)]
    .flat()
    .filter((step): step is ExecutionReport => step.message === 'ExecutionReport')

describe('the table', () => {
  test('has the 45 scenarios of FIX and the two that it does not show', () => {
    expect(scenarios.map(({ id }) => id)).toEqual([...ids, 'EXT.1', 'EXT.2'])
    expect(ids).toHaveLength(45)
  })

  test('has the 37 numbers of FIX 4.2, each once', () => {
    const numbers = scenarios.flatMap(({ fix42 }) => (fix42 === null ? [] : [fix42]))
    expect(numbers.toSorted()).toEqual(Array.from({ length: 37 }, (_, n) => `D${n + 1}`).toSorted())
  })

  const ended = ['Filled', 'Canceled', 'Rejected', 'Expired']
  test.each(scenarios.map((row) => [row.id, row] as const))('%s: the amounts of every report add up', (id, row) => {
    for (const { execType, ordStatus, orderQty, cumQty, leavesQty } of reportsOf(row)) {
      expect(cumQty).toBeLessThanOrEqual(orderQty)
      // Rejected: of a duplicate, the amounts are those of the order that is there.
      if (ended.includes(ordStatus)) expect(leavesQty).toBe(0)
      // The page of E.1.a has 0; a day order that is done has nothing left, a GTC order has.
      else if (id !== 'E.1.a' && ordStatus !== 'DoneForDay')
        expect([execType, leavesQty]).toEqual([execType, orderQty - cumQty])
    }
  })
})

describe('the forms', () => {
  const plays = scenarios.flatMap(playsOf)

  test('every applicable row is played, and one that is not applicable never', () => {
    for (const row of scenarios)
      expect([row.id, playsOf(row).length > 0]).toEqual([row.id, row.applies.is !== 'not applicable'])
  })

  test('nothing is pending, and a day that is done is an order that expired', () => {
    const statuses = new Set(plays.flatMap(({ acts }) => acts.map(({ expect }) => expect.ordStatus)))
    expect([...statuses].toSorted()).toEqual(['Canceled', 'Expired', 'Filled', 'New', 'PartiallyFilled', 'Rejected'])
  })

  test('a row that waits for something is played up to it', () => {
    const acts = (id: string) => playsOf(scenarios.find((row) => row.id === id)!)[0]!.acts.length
    expect([acts('C.1.b'), acts('J.1.a'), acts('J.1.b'), acts('E.1.c'), acts('K.1.a')]).toEqual([2, 3, 3, 1, 1])
  })

  test('reduced: the fills come before the cancel; verbose: those behind the request are late, and the engine confirms', () => {
    const [reduced, verbose] = playsOf(scenarios.find(({ id }) => id === 'B.1.b')!)
    const said = (play: typeof reduced) =>
      play!.acts.map(({ cause, expect }) =>
        expect.message === 'ExecutionReport'
          ? `${cause.by} ${expect.execType}/${expect.ordStatus} ${expect.cumQty} ${expect.leavesQty}`
          : expect.message,
      )
    expect(said(reduced)).toEqual([
      'client New/New 0 10000',
      'engine Trade/PartiallyFilled 2000 8000',
      'engine Trade/PartiallyFilled 5000 5000',
      'engine Trade/PartiallyFilled 6000 4000',
      'client Canceled/Canceled 6000 0',
    ])
    expect(said(verbose)).toEqual([
      'client New/New 0 10000',
      'engine Trade/PartiallyFilled 2000 8000',
      'client Canceled/Canceled 2000 0',
      'engine Trade/Canceled 5000 0',
      'engine Trade/Canceled 6000 0',
      'engine Trade/Canceled 6000 0',
    ])
  })
})

describe('the count', () => {
  const all = new Map(scenarios.map(({ id }): [string, string[]] => [id, []]))

  test('says the numbers of the table and why', () => {
    const { line, faults } = count(scenarios, all)
    expect(faults).toEqual([])
    expect(line).toStartWith('applicable 19, passed 19, not yet 20, not applicable 8 (')
    expect(line).toContain('E.1.a: every order comes through a door of the service')
  })

  const without = (id: string) => new Map([...all].filter(([other]) => other !== id))
  const having = (id: string, faults: string[]) => new Map([...all, [id, faults]])
  test.each([
    ['a row that was not played', without('A.1.a'), 'A.1.a is applicable and was not played'],
    ['a row that failed', having('A.1.a', ['wrong']), 'A.1.a did not pass'],
    ['the beginning of a row that waits', having('J.1.a', ['wrong']), 'J.1.a did not pass'],
    ['a row that nobody knows', having('Z.1', []), 'there is no row Z.1'],
  ])('fails for %s', (_, results, fault) => {
    expect(count(scenarios, results).faults).toContain(fault)
  })

  test('fails for two rows of one id, and for a reason that belongs to no row', () => {
    expect(count([...scenarios, scenarios[0]!], all).faults).toContain('two rows have one id')
    expect(count(scenarios, all, { Z: 'nobody knows' }).faults).toContain('there is no row Z')
  })
})
