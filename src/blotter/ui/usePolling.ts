// Asks again and again while somebody looks: a page in the background asks nothing.

import { useEffect, useRef } from 'preact/hooks'

type Ask = (signal: AbortSignal) => Promise<void>

/**
 * Asks at once, and `pauseMs` after each answer, while the page is visible; one question at a time. Returns how to ask now. What the
 * signal ends is nobody's concern any more: the panel is gone, or it asks for something else. `subject`: what is asked for.
 */
export const usePolling = (ask: Ask, pauseMs: number, subject = ''): (() => void) => {
  const latest = useRef(ask)
  latest.current = ask
  const askNow = useRef<() => void>(() => undefined)
  useEffect(() => {
    const end = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let state: 'idle' | 'asking' | 'asking, and again' = 'idle'
    const run = async (): Promise<void> => {
      clearTimeout(timer)
      if (document.hidden || end.signal.aborted) return
      if (state !== 'idle') {
        state = 'asking, and again'
        return
      }
      state = 'asking'
      await latest.current(end.signal).catch((error: unknown) => {
        if (!end.signal.aborted) throw error
      })
      const isWanted = (state as string) === 'asking, and again'
      state = 'idle'
      if (isWanted) return run()
      if (!end.signal.aborted) timer = setTimeout(begin, pauseMs)
    }
    const begin = (): void => void run()
    askNow.current = begin
    begin()
    document.addEventListener('visibilitychange', begin)
    return () => {
      end.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', begin)
    }
  }, [pauseMs, subject])
  return () => askNow.current()
}
