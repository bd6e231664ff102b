// The end of a consumer's parts, all at once.

/** A signal that ends all parts of the consumer: when the process stops, or at the first failure, which it remembers. */
export const createEnding = (signal: AbortSignal) => {
  const broken = new AbortController()
  let failure: unknown = null
  return {
    ending: AbortSignal.any([signal, broken.signal]),
    fail: (error: unknown): void => {
      failure ??= error
      broken.abort()
    },
    failure: () => failure,
  }
}
export type Ending = ReturnType<typeof createEnding>
