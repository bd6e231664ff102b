// The numbers beyond which the alerts fire, read from their rules when the page is built: a plot draws what wakes somebody up.

import alerts from '../../metrics/alerts.yaml' with { type: 'text' }

/** The expression of an alert, as it stands in the file; nothing if there is no such alert. */
const expressionOf = (text: string, alert: string): string => {
  const rule = text.split(/^ *- alert: /m).find((one) => one.startsWith(`${alert}\n`))
  return /^ *expr: (.*?)^ *(?:for|labels):/ms.exec(rule ?? '')?.[1] ?? ''
}

/**
 * The number of the first comparison `> number` behind the name of the metric in the alert's expression.
 * Throws where there is no such alert, or it compares no such metric: the page is not built with a line at the wrong place.
 */
export const thresholdIn = (text: string, alert: string, metric: string): number => {
  const expr = expressionOf(text, alert)
  const at = expr.search(new RegExp(`\\b${metric}\\b`))
  const found = at === -1 ? undefined : /> (\d+(?:\.\d+)?)(?![\d.]|\))/.exec(expr.slice(at))?.[1]
  if (found === undefined) throw new Error(`alerts.yaml: ${alert} does not compare ${metric} with a number`)
  return Number(found)
}

/** Beyond them the alert of each plot fires. Seconds, messages, exceptions, and the share of the streams that may be open. */
export const alertThresholds = () => ({
  acceptingP99Seconds: thresholdIn(alerts, 'OrdersSlow', 'http_server_request_duration_seconds_bucket'),
  outboxAgeSeconds: thresholdIn(alerts, 'OrdersOutboxOld', 'orders_outbox_oldest_age_seconds'),
  tradesLagSeconds: thresholdIn(alerts, 'OrdersTradesBehind', 'orders_trades_lag_seconds'),
  tradesLagMessages: thresholdIn(alerts, 'OrdersTradesBehind', 'orders_trades_lag_messages'),
  exceptionsOpen: thresholdIn(alerts, 'OrdersExceptionsOpen', 'orders_exceptions_open'),
  streamsShare: thresholdIn(alerts, 'OrdersStreamsFull', 'orders_streams_open'),
})
