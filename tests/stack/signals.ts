// The first Ctrl-C (or SIGTERM, SIGHUP) asks to stop, a second one insists.

// At a terminal one Ctrl-C arrives twice: from the kernel, and from `bun run`, which passes its own on.
const echoMs = 500

export const onStopSignals = ({ first, again }: { first: () => void; again: () => void }): (() => void) => {
  let firstAt: number | null = null
  const onSignal = (): void => {
    if (firstAt !== null && performance.now() - firstAt > echoMs) again()
    if (firstAt !== null) return
    firstAt = performance.now()
    first()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
  return onSignal
}
