// How long a connection may be silent. A client whose next request crosses the server's close gets no answer, so the server must wait
// longer than proxies and clients do: then they close the connection first and send the next request on another.

import type { Exchange, Gate, RequestObserver } from './exchange.ts'

/** Bun checks its connections at this interval, so it may close a connection this much too early. */
const checkEverySeconds = 4
const bunSecondsMax = 255

/** The time-out in seconds for Bun, so that no connection is closed before `ms`. Above 251 s it may be up to 3 s short: Bun's maximum. */
export const silentSeconds = (ms: number): number => Math.min(Math.ceil(ms / 1000) + checkEverySeconds, bunSecondsMax)

type Patience = { idleTimeoutMs: number; answerMaxMs: number; setTimeout: (request: Request, seconds: number) => void }

/**
 * Keeps a connection open while its client waits for an answer: such a connection is silent too, and Bun would close it. Each request gets
 * a time-out as long as its answer may take, and the answer restores the usual one. Null if every answer comes within the usual time-out.
 */
export const patienceWhileAnswering = ({
  idleTimeoutMs,
  answerMaxMs,
  setTimeout,
}: Patience): { gate: Gate; observe: RequestObserver } | null =>
  answerMaxMs < idleTimeoutMs
    ? null
    : {
        gate({ request }: Exchange) {
          setTimeout(request, silentSeconds(answerMaxMs))
          return null
        },
        observe({ request, operation }, { status }) {
          // A stream goes on, and has set its own.
          if (operation?.streams !== true || status !== 200) setTimeout(request, silentSeconds(idleTimeoutMs))
        },
      }
