// The tickers of the simulated market, with the shards that Postgres deals them to: hashtext(ticker) & 15. The differential
// test asks the real one whether it agrees. AMZN and META share a shard, so do GOOG, TSLA and BRK.B.

const shardsOfTickers: Record<string, number> = {
  AAPL: 1,
  AMZN: 8,
  'BRK.B': 11,
  GOOG: 11,
  IBM: 3,
  META: 8,
  MSFT: 14,
  NULL: 6,
  NVDA: 13,
  SAP: 0,
  TSLA: 11,
  X: 2,
}

export const tickers = Object.keys(shardsOfTickers)

export const shardOf = (ticker: string): number => {
  const shard = shardsOfTickers[ticker]
  if (shard === undefined) throw new Error(`which shard has ${ticker}?`)
  return shard
}
