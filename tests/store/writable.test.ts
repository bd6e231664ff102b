// Proves: of several servers the one that takes writes is chosen, once for everybody who asks at the same time.

import { expect, test } from 'bun:test'
import { createChooser, type Server } from '../../src/store/writable.ts'
import { failureOf } from '../support/waiting.ts'

const [a, b, c] = ['a', 'b', 'fe80::c'].map((host) => ({ host, port: 5432 })) as [Server, Server, Server]

/** Servers that answer as `roles` says at the moment; a text is the message that they fail with. */
const cluster = (roles: Map<Server, boolean | string>) => {
  const calls: string[] = []
  const choose = createChooser([...roles.keys()], async (server) => {
    calls.push(server.host)
    const role = roles.get(server)!
    await Bun.sleep(1)
    if (typeof role === 'string') throw new Error(role)
    return role
  })
  return { choose, calls }
}

test('the first that takes writes is chosen, and asked first from then on', async () => {
  const roles = new Map<Server, boolean | string>([
    [a, false],
    [b, true],
    [c, true],
  ])
  const { choose, calls } = cluster(roles)
  expect(await choose()).toBe(b)
  expect(await choose()).toBe(b)
  expect(calls).toEqual(['a', 'b', 'b'])
})

test('after a failover the others are asked in their order', async () => {
  const roles = new Map<Server, boolean | string>([
    [a, true],
    [b, false],
    [c, false],
  ])
  const { choose, calls } = cluster(roles)
  await choose()
  roles.set(a, 'ECONNREFUSED').set(c, true)
  expect(await choose()).toBe(c)
  expect(calls).toEqual(['a', 'a', 'b', 'fe80::c'])
})

test('whoever asks at the same time gets the same answer', async () => {
  const { choose, calls } = cluster(new Map([[a, true]]))
  expect(await Promise.all([choose(), choose(), choose()])).toEqual([a, a, a])
  expect(calls).toEqual(['a'])
})

test('where none takes writes, what each said is said; the next question is a new one', async () => {
  const roles = new Map<Server, boolean | string>([
    [a, 'password authentication failed'],
    [c, false],
  ])
  const { choose } = cluster(roles)
  expect(await failureOf(choose())).toMatchObject({
    code: 'NO_WRITABLE_SERVER',
    message: 'none of the servers takes writes: a:5432: password authentication failed; [fe80::c]:5432 takes no writes',
  })
  roles.set(c, true)
  expect(await choose()).toBe(c)
})
