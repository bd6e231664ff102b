-- L8: one order by its id, one in a hundred unknown, as a prepared statement.
\set n random(1, :orders)
\set unknown random(1, 100)
\set n :n + case when :unknown = 1 then 50000000 else 0 end
\set high 1000 + :n / 9000
\set low 1000 + :n % 9000
select id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, last_fill_price,
       filled_notional, status, created_at, updated_at, version
from orders
where id = ('0190' || :high || '-' || :low || '-7000-8000-000000000000')::uuid;
