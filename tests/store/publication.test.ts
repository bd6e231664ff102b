// Proves: one replica at a time has the lease to publish the log, only that one keeps places, and old places are thinned out.

import { beforeEach, describe, expect, test } from 'bun:test'
import {
  readPublicationPlaces,
  releasePublicationLease,
  renewPublicationLease,
  savePublicationPlace,
} from '../../src/store/publication.ts'
import { ownDatabase } from '../support/ownDatabase.ts'

const { sql } = await ownDatabase()
const [one, two] = [crypto.randomUUID(), crypto.randomUUID()]

const renew = (replicaId: string, ttlMs = 60_000) => renewPublicationLease(sql, { replicaId, ttlMs })
const save = (replicaId: string, cursor = 'c') => savePublicationPlace(sql, { replicaId, epoch: 1, cursor })

beforeEach(async () => {
  await sql`update event_publication_lease set holder = null, expires_at = '-infinity'`
  await sql`delete from event_publication`
})

describe('the lease', () => {
  test('is of whoever takes it first, until it is given back', async () => {
    expect((await renew(one)).held).toBe(true)
    expect((await renew(two)).held).toBe(false)
    expect((await renew(one)).held).toBe(true)
    await releasePublicationLease(sql, two)
    expect((await renew(two)).held).toBe(false)
    await releasePublicationLease(sql, one)
    expect((await renew(two)).held).toBe(true)
  })

  test('that ended is of the next that asks', async () => {
    await renew(one, 0)
    expect((await renew(two)).held).toBe(true)
  })

  test('of before the clock was set back is of the next that asks', async () => {
    await renew(one)
    await sql`update event_publication_lease set expires_at = expires_at + interval '1 hour'`
    expect((await renew(two)).held).toBe(true)
    expect((await renew(one)).held).toBe(false)
  })

  test('goes to one of many that ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => renew(crypto.randomUUID())))
    expect(all.filter(({ held }) => held)).toHaveLength(1)
  })

  test('comes with the time of the database', async () => {
    const [{ now }] = await sql<[{ now: Date }]>`select clock_timestamp() as now`
    expect(Math.abs((await renew(one)).now.getTime() - now.getTime())).toBeLessThan(10_000)
  })
})

describe('a place', () => {
  test('is kept by whoever has the lease, newest first', async () => {
    await renew(one)
    expect(await save(two)).toBe(false)
    expect(await readPublicationPlaces(sql)).toEqual([])
    expect(await save(one, 'first')).toBe(true)
    expect(await save(one, 'second')).toBe(true)
    expect(await readPublicationPlaces(sql)).toEqual([
      { number: 2n, epoch: 1, cursor: 'second' },
      { number: 1n, epoch: 1, cursor: 'first' },
    ])
  })

  test('that is old makes room: few are left of many, and some of them are old', async () => {
    await renew(one)
    for (let i = 0; i < 700; i++) await save(one)
    const numbers = (await readPublicationPlaces(sql)).map(({ number }) => Number(number))
    expect(numbers.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => 700 - i))
    expect(numbers.slice(20)).toEqual([
      672, 656, 640, 624, 608, 592, 576, 560, 544, 528, 512, 496, 480, 464, 448, 432, 416, 400, 384, 256,
    ])
  })
})
