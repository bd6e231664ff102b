// Checks keys: an order or a void, exactly one of them, and whoever was told of one was told the truth.

import type { Journal } from '../journal.ts'
import { keyName } from '../postgres/keying.ts'
import type { Postgres } from '../postgres/state.ts'

type Facts = { db: Postgres; journal: Journal; broken: (what: string) => void }

const checkTable = ({ db, broken }: Facts): void => {
  for (const { id, user_id, client_order_id: key } of db.orders.values())
    if (key !== null && db.keys.get(keyName(user_id, key))?.order_id !== id) broken(`order ${id} has not its key`)
  for (const [name, { order_id: id }] of db.keys) {
    const order = db.orders.get(id ?? '')
    if (id !== null && (order === undefined || keyName(order.user_id, order.client_order_id ?? '') !== name))
      broken(`the key ${name} names order ${id}`)
  }
}

export const checkVoids = (facts: Facts): void => {
  const { db, journal, broken } = facts
  checkTable(facts)
  const asked = new Map(journal.voidings.map((voiding) => [voiding.tag, voiding]))
  for (const [name, { order_id: id, request_id: tag }] of db.keys) {
    const voiding = asked.get(tag ?? '')
    if (id === null && (voiding === undefined || keyName(voiding.userId, voiding.clientOrderId) !== name))
      broken(`the key ${name} is void, and ${tag} asked for no such thing`)
  }
  for (const { tag, answer, userId, clientOrderId } of journal.voidings) {
    const row = db.keys.get(keyName(userId, clientOrderId))
    if (answer === null) broken(`${tag}: no answer ever came`)
    const result = answer?.result
    if (result?.ok === true && result.voided && row?.order_id !== null) broken(`${tag}: a void is for ever`)
    if (result?.ok === true && !result.voided && row?.order_id !== result.order.id)
      broken(`${tag}: the key was to be held by ${result.order.id}`)
    const isRefused = result?.ok === false && result.code !== 'OUTCOME_UNKNOWN'
    if (isRefused && row?.order_id === null && row.request_id === tag) broken(`${tag}: refused, and void all the same`)
    if (result?.ok === false && result.code === 'INTERNAL') broken(`${tag}: no void is a bug`)
  }
}
