-- How far each partition of an inbound topic was handled: everything before next_offset has its disposition, or its dead letter. A group loses
-- its offsets once it was empty for long; then this says whether what the topic has deleted meanwhile had been read. A few rows, written
-- every few seconds while messages come.

create table if not exists topic_places (
  topic       text        collate "C" not null,
  partition   integer     not null,
  topic_id    text        collate "C" not null,                     -- of the topic that had the name then
  next_offset bigint      not null,
  kept_at     timestamptz not null,
  primary key (topic, partition),
  constraint topic_places_offset check (next_offset >= 0)
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
    execute format('grant select on %s.topic_places to %s', place, someone.name);
    if someone.privilege = 'DELETE' then
      execute format('grant insert, update on %s.topic_places to %s', place, someone.name);
    end if;
  end loop;
end
$$;
