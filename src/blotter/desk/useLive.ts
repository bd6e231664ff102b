// A list of the service that is read again and again while it is shown.

import { useState } from 'preact/hooks'
import type { Problem, Service } from '../service/service.ts'
import { usePolling } from '../ui/usePolling.ts'

const pauseMs = 5_000

/** `value` null: not read yet. `problem`: why it is not newer. */
export type Live<T> = { readonly value: T | null; readonly problem: Problem | null; readonly readNow: () => void }

/** Reads `path` at once, every five seconds, and when it changes. */
export const useLive = <T>(service: Service, path: string): Live<T> => {
  const [read, setRead] = useState<{ path: string; value: T | null; problem: Problem | null }>()
  const ask = async (signal: AbortSignal): Promise<void> => {
    const { body, problem } = await service.call('GET', path, { signal })
    setRead((before) => {
      const old = before?.path === path ? before.value : null
      return { path, value: problem === undefined ? (body as T) : old, problem: problem ?? null }
    })
  }
  const readNow = usePolling(ask, pauseMs, path)
  return read?.path === path
    ? { value: read.value, problem: read.problem, readNow }
    : { value: null, problem: null, readNow }
}
