// How long a connection may be silent. A client that sends its next request at the moment when the server closes gets no answer, so
// this has to be longer than what proxies and clients allow: then they are the ones who close, and know it.

import type { Exchange, Gate, RequestObserver } from './exchange.ts'

/** Bun looks at its connections this often, and so closes one up to this much earlier than it was told to. */
const lookEverySeconds = 4
const bunSecondsMax = 255

/** For Bun, so that nothing is closed before `ms` are over; above 251 s it is at most 3 s short, for Bun counts no further. */
export const silentSeconds = (ms: number): number => Math.min(Math.ceil(ms / 1000) + lookEverySeconds, bunSecondsMax)

type Patience = { idleTimeoutMs: number; answerMaxMs: number; setTimeout: (request: Request, seconds: number) => void }

/**
 * A connection whose client waits for an answer is silent as well, and Bun would cut it off. Where that may happen a request gets
 * the time that its answer may take, and the connection its usual one back with the answer. Null: no answer can take so long.
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
