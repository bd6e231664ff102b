// The routes of the metrics page.

import type { Handler } from '../exchange/exchange.ts'

/** `page`: all metrics as they are now, in Prometheus' text format. */
export const metricHandlers = (page: () => string) => {
  const answer = (): Response =>
    new Response(page(), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
  return { prometheus: answer, metrics: answer } satisfies Record<string, Handler>
}
