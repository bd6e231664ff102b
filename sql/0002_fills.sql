-- The ledger of fills: append-only, one row for each (order, trade) that was applied. Every row is one step of its order's
-- version; a second row that claims the same step is a lost update and fails.

create table ingested_fills (
  order_id        uuid           not null references orders (id),
  trade_id        text           collate "C" not null,
  side            text           collate "C" not null,
  ticker          text           collate "C" not null,
  ts              timestamptz    not null,                    -- when the engine says the trade happened
  quantity        numeric(20, 8) not null,
  price           numeric(20, 8) not null,
  late            boolean        not null,                    -- the order was CANCELED or EXPIRED already
  applied_at      timestamptz    not null,
  order_version   integer        not null,                    -- the order's version after this fill
  kafka_partition integer        not null,
  kafka_offset    bigint         not null,

  primary key (order_id, trade_id),
  constraint ingested_fills_one_step unique (order_id, order_version),
  constraint ingested_fills_side     check (side in ('BUY', 'SELL')),
  constraint ingested_fills_quantity check (quantity > 0 and quantity <> 'NaN'),
  constraint ingested_fills_price    check (price > 0 and price <> 'NaN')
);

create trigger ingested_fills_never_updated before update on ingested_fills for each statement
  execute function refuse_change('the ledger is append-only');
create trigger ingested_fills_never_deleted before delete on ingested_fills for each statement
  execute function refuse_change('the ledger is append-only');
create trigger ingested_fills_never_truncated before truncate on ingested_fills for each statement
  execute function refuse_change('the ledger is append-only');

-- Legs that could not be applied though their order is ours, kept whole for an operator.
create table exceptions (
  id              uuid           primary key,                 -- UUIDv7
  disposition     text           collate "C" not null,
  reason          text           not null,
  order_id        uuid           not null references orders (id),
  trade_id        text           collate "C" not null,
  side            text           collate "C" not null,
  ticker          text           collate "C" not null,
  ts              timestamptz    not null,
  quantity        numeric(20, 8) not null,
  price           numeric(20, 8) not null,
  kafka_topic     text           not null,
  kafka_partition integer        not null,
  kafka_offset    bigint         not null,
  message_key     bytea,
  message         bytea          not null,                    -- the bytes as received
  recorded_at     timestamptz    not null,

  -- Redelivery adds nothing. Leads with (order_id, trade_id), which is how the consumer asks.
  constraint exceptions_once unique (order_id, trade_id, side, ticker, quantity, price),
  constraint exceptions_disposition check (disposition in ('OVERFILL', 'CONFLICT', 'MISMATCH'))
);
