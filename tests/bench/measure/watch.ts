// Looks at something at a steady pace while something else is measured.

export type Watch<T> = AsyncDisposable & {
  /** Answers all samples. Rejects if a look failed. */
  stop: () => Promise<T[]>
}

/** The first look is at once. */
export const watch = <T>(everyMs: number, look: () => Promise<T>): Watch<T> => {
  const samples: T[] = []
  const ending = new AbortController()
  const ended = Promise.withResolvers<void>()
  const looking = (async () => {
    do {
      const next = performance.now() + everyMs
      samples.push(await look())
      await Promise.race([Bun.sleep(Math.max(0, next - performance.now())), ended.promise])
    } while (!ending.signal.aborted)
  })()
  // `stop` rejects with it, unless the measurement itself has failed too and nobody calls `stop`.
  looking.catch(() => undefined)
  const stop = async (): Promise<T[]> => {
    ending.abort()
    ended.resolve()
    await looking
    return samples
  }
  return { stop, [Symbol.asyncDispose]: () => stop().then(undefined, () => undefined) as Promise<void> }
}
