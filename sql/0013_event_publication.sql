-- How far the log is published to order.event.v1. One replica at a time publishes, by a lease; its places are kept, because after the loss
-- of what was committed last, an older one may be the last that is true.

create table if not exists event_publication_lease (
  slot       smallint    primary key default 0,                     -- there is one lease
  holder     uuid,                                                  -- replicas.id
  expires_at timestamptz not null default '-infinity',
  constraint event_publication_lease_slot check (slot = 0)
);
insert into event_publication_lease default values on conflict do nothing;

-- A place: everything before it is on the topic for good. Rows of the past are thinned out.
create table if not exists event_publication (
  number     bigint      primary key,                               -- the highest one counts
  epoch      integer     not null,                                  -- of log_epochs
  cursor     text        collate "C" not null,                      -- as GET /events writes them
  updated_at timestamptz not null default statement_timestamp(),
  constraint event_publication_number check (number >= 1)
);

-- Whoever may delete from the outbox is the service. Roles are set up again only later.
do $$
declare
  place constant text := quote_ident(current_schema());
  someone record;
begin
  for someone in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as name, a.privilege_type as privilege
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = to_regclass(place || '.outbox') and a.grantee <> c.relowner and a.privilege_type in ('SELECT', 'DELETE')
  loop
    if someone.privilege = 'DELETE' then
      execute format('grant select, insert, delete on %s.event_publication to %s', place, someone.name);
      execute format('grant select, update on %s.event_publication_lease to %s', place, someone.name);
    else
      execute format('grant select on %s.event_publication, %s.event_publication_lease to %s', place, place, someone.name);
    end if;
  end loop;
end
$$;
