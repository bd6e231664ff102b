// The body of a lawful order, for tests that send one to the API; those that call the code use builders.ts.

export const userId = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'

/** Buy 100 AAPL, limit 150.5, good till canceled. */
export const plainOrder = {
  userId,
  ticker: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 100,
  price: 150.5,
}

/** The plain order with members added or replaced. */
export const orderBody = (members: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...plainOrder,
  ...members,
})
