// When the relay looks at the outbox again.

const eventsPerMs = 8
const shortestPauseMs = 2
const longestPauseMs = 30

/**
 * Idle polling finds what other replicas committed for our tickers; it slows down while there is nothing. What this process commits rings.
 * While no other replica is alive (`lastAlone`) somebody else is a command such as `expire`, or a replica that has just come or is gone. Their events are
 * found by the monitor, which counts what waits each second, and rings.
 */
export const pollMs = { first: 20, last: 200, lastAlone: 5_000 }

/**
 * Events that are committed while a wave of them is being sent make up the next wave, so a busy relay reads, sends and deletes many at a
 * time without a linger. A partition that takes longer than this no longer holds the others up. In a backlog the next read waits longer,
 * because it walks over everything that waits behind the tickers being sent.
 */
export const waveMaxMs = (events: number, batchMax: number): number => (events >= batchMax ? 200 : 10)

/**
 * The pause after a wave. A lone event goes out at once, a backlog read after read, and a stream in waves large enough that
 * reading, sending and deleting cost little for each event.
 */
export const pauseMs = (events: number, batchMax: number): number =>
  events >= batchMax ? 0 : Math.min(longestPauseMs, Math.max(shortestPauseMs, events / eventsPerMs))
