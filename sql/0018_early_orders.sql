-- Orders of a replica whose clock stood before 2024 have ids below all others, where lists do not look: of orders that were taken over, thousands
-- lie there at random. Such an order gets a sort key too, and so stands in every list at the time that it says.

set local lock_timeout = '500ms';

create or replace function place_early_order() returns trigger language plpgsql as $$
begin
  new.sort_key := order_sort_key(new.id, new.created_at);
  return new;
end
$$;
create or replace trigger orders_early before insert on orders for each row
  when (new.id < '018cc251-f400-0000-0000-000000000000' and new.sort_key is null)
  execute function place_early_order();

-- Those that are here already. Most tables have none, and are not touched.
do $$
begin
  if exists (select from orders where id < '018cc251-f400-0000-0000-000000000000' and sort_key is null) then
    alter table orders disable trigger orders_terms_fixed, disable trigger orders_only_forward;
    update orders set sort_key = order_sort_key(id, created_at)
    where id < '018cc251-f400-0000-0000-000000000000' and sort_key is null;
    alter table orders enable trigger orders_terms_fixed, enable trigger orders_only_forward;
  end if;
end
$$;
