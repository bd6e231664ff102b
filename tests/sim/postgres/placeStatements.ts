// The statements that place orders, and those about keys and the gate, by their essential clauses: the gate, the key before the order, the
// order of rows, and what counts as a conflict.

import { arrayFromLiteral } from './fakeSql.ts'
import { gateClauses } from './gating.ts'
import { areKeysFree, insertVoids, readVoidKeys } from './keying.ts'
import { insertOrders, readByKey, readKeyHolders } from './placing.ts'
import { arrays, look, type Template } from './template.ts'

const insertClauses = [
  ...gateClauses,
  "input as materialized ( select *, nextval('log_position') as position from unnest(",
  'insert into order_keys (user_id, client_order_id, order_id) select',
  'order by i.user_id, i.client_order_id, i.id on conflict do nothing returning order_id )',
  'insert into orders (',
  '(select epoch from gate) from input where (client_order_id is null or id in (select order_id from keyed)) order by id',
  "'PLACED'",
  'where i.reason_code is null and i.stop_price is null and (i.id in (select id from placed)) is true order by i.ordinality )',
  'select gate.epoch, placed.id from gate left join placed on true',
]

const columns = 20

const olderOrders =
  'not exists (select from orders older where older.user_id = i.user_id::uuid and older.client_order_id = i.client_order_id)'
const standsBack = 'order by id on conflict do nothing returning id )'
const isFilled = (text: string): boolean => !text.includes(olderOrders)

const byKeyClauses = [
  'where user_id = k.user_id::uuid and client_order_id = k.client_order_id limit 1 ) h cross join lateral (select * from orders where id = h.order_id limit 1) o',
]
const byOldIndex =
  'select * from orders where user_id = k.user_id::uuid and client_order_id = k.client_order_id limit 1 ) o'
/** Both ways read the same: the fake's orders have all their keys in the table. */
const readsOldIndexToo = (text: string): boolean => text.endsWith(byOldIndex) || !text.includes(byOldIndex)

export const placeTemplates: readonly Template[] = [
  {
    name: 'insertOrders',
    clauses: insertClauses,
    run: (db, tx, { text, parameters }) =>
      insertOrders(db, tx, arrays(parameters.slice(0, columns)), {
        judgedBy: BigInt(String(parameters[columns])),
        filled: isFilled(text),
        fresh: !text.includes(standsBack),
      }),
  },
  {
    name: 'areKeysFree',
    clauses: [
      'insert into order_keys (user_id, client_order_id, order_id) select',
      'order by i.user_id, i.client_order_id on conflict do nothing returning 1 ) select case inserted when 0 then 0',
      'when wanted then 1 / (wanted - inserted) else 2147483647 + inserted end',
    ],
    run: (db, tx, { text, parameters: [users, keys, count] }) =>
      areKeysFree(db, tx, {
        names: arrayFromLiteral(users).map((user, i) => [user!, arrayFromLiteral(keys)[i]!] as const),
        count: Number(count),
        filled: isFilled(text),
      }),
  },
  {
    name: 'insertVoids',
    clauses: [
      'insert into order_keys (user_id, client_order_id, voided_at, request_id, subject) select',
      'order by i.user_id, i.client_order_id on conflict do nothing returning user_id, client_order_id ) select user_id, client_order_id from voided',
    ],
    run: (db, tx, { text, parameters }) => insertVoids(db, tx, arrays(parameters), isFilled(text)),
  },
  {
    name: 'readVoidKeys',
    clauses: [
      'select h.user_id, h.client_order_id from unnest(',
      'where user_id = k.user_id::uuid and client_order_id = k.client_order_id limit 1 ) h where h.order_id is null',
    ],
    run: look((db, { parameters: [users, keys] }) => readVoidKeys(db, arrayFromLiteral(users), arrayFromLiteral(keys))),
  },
  {
    name: 'readKeysFilled',
    clauses: ['select finished_at is not null as filled from order_keys_fill where slot'],
    run: look((db) => [{ filled: db.keysFilled }]),
  },
  {
    name: 'readEpoch',
    clauses: ['select epoch from rules_gate'],
    also: (text) => text.endsWith('from rules_gate'),
    run: look((db) => [{ epoch: String(db.epoch) }]),
  },
  {
    name: 'readKeyHolders',
    clauses: ['from orders o where o.id = any (', 'union', 'k (user_id, client_order_id)', ...byKeyClauses],
    also: readsOldIndexToo,
    run: look((db, { parameters }) => {
      const [ids, users, keys] = arrays(parameters)
      return readKeyHolders(db, ids!, users!, keys!)
    }),
  },
  {
    name: 'readByKey',
    clauses: ['from unnest(', ...byKeyClauses],
    also: readsOldIndexToo,
    run: look((db, { text, parameters: [users, keys] }) => {
      const [ofUsers, named] = [arrayFromLiteral(users), arrayFromLiteral(keys)]
      return text.includes(byOldIndex) ? readKeyHolders(db, [], ofUsers, named) : readByKey(db, ofUsers, named)
    }),
  },
]
