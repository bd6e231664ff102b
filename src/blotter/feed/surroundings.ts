// What the hub needs of a browser, in a worker and in a tab alike.

import type { HubOptions } from './hub.ts'

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

export const surroundings: HubOptions = {
  fetch: (path, init) => fetch(path, init),
  random: () => Math.random(),
  nowMs: () => Date.now(),
  pause,
  later: (ms, callback) => void setTimeout(callback, ms),
  whenFree(lock, callback) {
    // Browsers have no locks on a page that came without TLS; there a tab that crashes keeps its place until the worker ends.
    void (navigator as Partial<Navigator>).locks?.request(lock, callback)
  },
}
