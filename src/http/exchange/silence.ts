// How long a connection may be silent. A client whose next request crosses the server's close gets no answer, so the server must wait
// longer than proxies and clients do: then they close first, and know it.

import type { Exchange, Gate, RequestObserver } from './exchange.ts'

/** Bun checks its connections at this interval, so it may close one this much too early. */
const checkEverySeconds = 4
const bunSecondsMax = 255

/** The time-out to give Bun so that nothing is closed before `ms` have passed. Above 251 s it may be up to 3 s short: Bun's maximum. */
export const silentSeconds = (ms: number): number => Math.min(Math.ceil(ms / 1000) + checkEverySeconds, bunSecondsMax)

type Patience = { idleTimeoutMs: number; answerMaxMs: number; setTimeout: (request: Request, seconds: number) => void }

/**
 * A connection whose client waits for an answer is silent as well, and Bun would close it. So each request gets a time-out as long as
 * its answer may take, and the answer restores the usual one. Null if no answer can take longer than the usual time-out.
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
        observe: ({ request }) => setTimeout(request, silentSeconds(idleTimeoutMs)),
      }
