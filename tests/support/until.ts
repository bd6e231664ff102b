// Waits for something to become true. Deadlines are generous: they end a test that would hang, they measure nothing. A machine
// that is busy with other things may need a minute for what takes a second.

const pollMs = 50
const hangsAfterMs = 120_000

export type UntilOptions = {
  /** A description, for the message if it never happens. */
  what: string
  deadlineMs?: number
}

/** Asks until the answer is neither false, null nor undefined; an exception counts as "not yet". Fails with the last of them. */
export const until = async <T>(
  ask: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  { what, deadlineMs = hangsAfterMs }: UntilOptions,
): Promise<T> => {
  const endsAt = performance.now() + deadlineMs
  let last: unknown = 'it was false'
  while (performance.now() < endsAt) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== null && answer !== undefined) return answer
      last = 'it was false'
    } catch (error) {
      last = error
    }
    await Bun.sleep(pollMs)
  }
  throw new Error(`waited ${deadlineMs} ms in vain: ${what} (${last instanceof Error ? last.message : String(last)})`, {
    cause: last,
  })
}
