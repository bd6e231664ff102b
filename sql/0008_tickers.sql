-- A ticker may have more characters: BTC/USD, ^GSPC, EUR=X. Every row there is obeys the new check, for it obeyed the narrower one, so
-- the table is not read while it is locked against everybody: the next file does that, under a lock that lets reads and writes pass.

alter table orders
  drop constraint orders_ticker,
  add constraint orders_ticker check (ticker ~ '^[A-Z0-9._/:^=+&@#-]{1,16}$') not valid;
