-- What is recorded of an order may change without its version: an exception is kept. Whoever keeps one touches the order's row
-- (an update that changes nothing), so that a rival who judged a leg without knowing of it finds the row written since.

create or replace trigger orders_only_forward after update on orders for each row
  when ((new.version <= old.version and new is distinct from old)
        or new.filled_quantity < old.filled_quantity or new.filled_notional < old.filled_notional or new.updated_at < old.updated_at)
  execute function refuse_change('the version must rise, filled quantity, notional and updated_at never fall', 'id');
