// In a container, or as the job of a cluster, a subcommand may be process 1. The kernel gives that one no signal which it has not asked for: it would
// go on until it is killed, long after whoever started it has given up.

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const
const byShells = 128

/** Ends process 1 by a signal, as any other process ends; `pid`: that of this one. Commands that end by themselves on a signal need nothing of it. */
export const endBySignal = (pid: number): void => {
  if (pid !== 1) return
  for (const [signal, number] of Object.entries(signalNumbers))
    process.on(signal as keyof typeof signalNumbers, () => process.exit(byShells + number))
}
