// Repeats the harness's own calls to servers that it has just killed until they answer.

const pauseMs = 250

/** Fails with the last error once the limit has passed. */
export const persist = async <T>(attempt: () => Promise<T>, limitMs = 30_000): Promise<T> => {
  const limit = performance.now() + limitMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > limit) throw error
      await Bun.sleep(pauseMs)
    }
  }
}
