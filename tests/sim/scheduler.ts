// Simulated time: it passes only from one event to the next. Everything that happens in a simulated run, a timer, a packet, a
// crash, is an event of this queue; between two events all promises settle. While `run` runs, the timers, the clock and the
// random numbers of the whole process are the simulation's; nothing else of the process runs meanwhile, so nothing else is
// affected.

import { drainMicrotasks } from 'bun:jsc'
import type { Random } from '../support/random.ts'
import { simulatedAbort } from './abort.ts'

/** Who an event belongs to: the events of a dead owner never happen. */
export type Owner = { name: string; alive: boolean }

type Event = { at: number; order: number; owner: Owner; happen: () => void; canceled: boolean }

export type Scheduler = {
  /** Milliseconds since the start of the run. */
  now: () => number
  /** The owner of the event that happens now. */
  owner: () => Owner
  after: (ms: number, owner: Owner, happen: () => void) => Event
  /** A pause for the code of the owner of this event. */
  pause: (ms: number) => Promise<void>
  /** Runs until `done` says so (true) or `limitMs` has passed or nothing is left to happen (false). */
  run: (done: () => boolean, limitMs: number) => boolean
}

const nobody: Owner = { name: 'nobody', alive: true }

const earlier = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap. */
const createQueue = () => {
  const heap: Event[] = []
  const swap = (i: number, j: number): void => {
    const event = heap[i]!
    heap[i] = heap[j]!
    heap[j] = event
  }
  const sink = (): void => {
    for (let i = 0; ;) {
      let least = i
      const [left, right] = [2 * i + 1, 2 * i + 2]
      if (left < heap.length && earlier(heap[left]!, heap[least]!)) least = left
      if (right < heap.length && earlier(heap[right]!, heap[least]!)) least = right
      if (least === i) return
      swap(i, least)
      i = least
    }
  }
  return {
    push(event: Event): void {
      heap.push(event)
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1
        if (!earlier(heap[i]!, heap[parent]!)) return
        swap(i, parent)
        i = parent
      }
    },
    pop(): Event | undefined {
      const first = heap[0]
      const last = heap.pop()
      if (heap.length > 0 && last !== undefined) {
        heap[0] = last
        sink()
      }
      return first
    },
  }
}

/** Timers fire a little late, as they do. */
const latenessMaxMs = 2

export const createScheduler = (random: Random): Scheduler => {
  const queue = createQueue()
  let now = 0
  let events = 0
  let current = nobody

  const after: Scheduler['after'] = (ms, owner, happen) => {
    const event = { at: now + Math.max(0, ms), order: events++, owner, happen, canceled: false }
    queue.push(event)
    return event
  }

  const every = (fn: () => void, ms: number): Event => {
    const owner = current
    const again = (): void => {
      if (handle.canceled) return
      fn()
      after(ms, owner, again)
    }
    const handle = after(ms, owner, again)
    return handle
  }

  const cancel = (event: Event | undefined): void => {
    if (event !== undefined) event.canceled = true
  }

  const faked = {
    setTimeout: (fn: () => void, ms = 0) => after(ms + random.next() * latenessMaxMs, current, fn),
    setInterval: every,
    setImmediate: (fn: () => void) => after(0, current, fn),
    clearTimeout: cancel,
    clearInterval: cancel,
    clearImmediate: cancel,
    ...simulatedAbort,
  }

  const loop = (done: () => boolean, limitMs: number): boolean => {
    while (!done()) {
      const event = queue.pop()
      if (event === undefined || event.at > limitMs) return false
      if (event.canceled || !event.owner.alive) continue
      now = event.at
      current = event.owner
      event.happen()
      drainMicrotasks()
      current = nobody
    }
    return true
  }

  return {
    now: () => now,
    owner: () => current,
    after,
    pause: (ms) => new Promise((resolve) => after(ms, current, resolve)),
    run(done, limitMs) {
      const real = Object.fromEntries(
        Object.keys(faked).map((name) => [name, Reflect.get(globalThis, name) as unknown]),
      )
      const { random: realRandom } = Math
      // oxlint-disable-next-line typescript/unbound-method -- it is put back where it was
      const { now: realNow } = performance
      try {
        Object.assign(globalThis, faked)
        Math.random = random.next
        performance.now = () => now
        return loop(done, limitMs)
      } finally {
        Object.assign(globalThis, real)
        Math.random = realRandom
        performance.now = realNow
      }
    },
  }
}
