// The fields of messages that firms send in the tests.

import type { Fields, FirmSession, FixMessage } from './firm.ts'

/** YYYYMMDD-HH:MM:SS.sss */
export const fixTime = (at: Date): string => at.toISOString().replaceAll('-', '').replace('T', '-').replace('Z', '')

/** Buy 100 AAPL, limit 150.5, good till canceled, with fields added or replaced. */
export const orderFields = (clOrdId: string, more: Fields = {}): Fields => ({
  11: clOrdId,
  55: 'AAPL',
  54: 1,
  38: 100,
  40: 2,
  44: '150.5',
  59: 1,
  60: fixTime(new Date()),
  ...more,
})

/** A request about this order: F, or G and H with what they need. */
export const requestFields = (clOrdId: string, origClOrdId: string, more: Fields = {}): Fields => ({
  11: clOrdId,
  41: origClOrdId,
  55: 'AAPL',
  54: 1,
  60: fixTime(new Date()),
  ...more,
})

/** The message that names this ClOrdID. */
export const about = (session: FirmSession, clOrdId: string, more: Fields = {}): Promise<FixMessage> =>
  session.message(
    ({ fields }) =>
      fields[11] === clOrdId && Object.entries(more).every(([tag, value]) => fields[Number(tag)] === String(value)),
    `something of ${clOrdId} with ${JSON.stringify(more)}`,
  )

/** Places the order; answers its id. */
export const placed = async (session: FirmSession, clOrdId: string, more: Fields = {}): Promise<string> => {
  session.send('D', orderFields(clOrdId, more))
  return (await about(session, clOrdId, { 150: 0 })).fields[37]!
}
