// bun:test for files that start services: where a test fails, or is about to be given up as hanging, the last lines of the services that
// ran in it are shown, for what happens once in fifty runs has to be understood from the output of that one run.
// explained.test.ts holds that every such file imports its `test` from here.

import { test as bunTest } from 'bun:test'
import { hangsAfterMs } from './hanging.ts'
import { lastWords, runningServices, startedServices } from './service.ts'

export { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'bun:test'

type Body = (...args: unknown[]) => unknown

const explained = (body: Body, limitMs: number): Body => {
  const run = async (...args: unknown[]): Promise<unknown> => {
    const there = new Set(runningServices())
    const before = startedServices().length
    const explain = (): void => {
      for (const service of startedServices().slice(before)) there.add(service)
      for (const service of there) console.error(lastWords(service))
    }
    const hanging = setTimeout(explain, limitMs * 0.95)
    try {
      return await body(...args)
    } catch (error) {
      explain()
      throw error
    } finally {
      clearTimeout(hanging)
    }
  }
  // By its length the runner knows whether a test wants to be told when it is done.
  return Object.defineProperty(run, 'length', { value: body.length })
}

type Tester = ((...args: unknown[]) => unknown) & Record<PropertyKey, unknown>

/** Of `test` itself, and of all that it makes: test.each(…), test.concurrent, test.skipIf(…).each(…). `owner`: whose member it is. */
const explaining = (tester: Tester, owner?: Tester): Tester =>
  new Proxy(tester, {
    apply(target, _, args: unknown[]) {
      const limitMs = args.find((arg) => typeof arg === 'number') ?? hangsAfterMs
      const given = args.map((arg) => (typeof arg === 'function' ? explained(arg as Body, limitMs) : arg))
      const made: unknown = Reflect.apply(target, owner, given)
      return typeof made === 'function' ? explaining(made as Tester) : made
    },
    get(target, name) {
      const member = target[name]
      return typeof member === 'function' ? explaining(member as Tester, target) : member
    },
  })

export const test = explaining(bunTest as unknown as Tester) as unknown as typeof bunTest
