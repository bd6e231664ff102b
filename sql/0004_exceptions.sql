-- What an operator says of an exception: once, for good, by name. It never moves an order. Exceptions themselves are evidence.

create table exception_resolutions (
  exception_id uuid        primary key references exceptions (id),
  resolved_by  text        not null,
  note         text        not null,
  resolved_at  timestamptz not null,
  constraint exception_resolutions_resolved_by check (length(resolved_by) between 1 and 200),
  constraint exception_resolutions_note        check (length(note) between 1 and 2000)
);

create trigger exceptions_never_updated before update on exceptions for each statement
  execute function refuse_change('exceptions are evidence');
create trigger exceptions_never_deleted before delete on exceptions for each statement
  execute function refuse_change('exceptions are evidence');
create trigger exceptions_never_truncated before truncate on exceptions for each statement
  execute function refuse_change('exceptions are evidence');
create trigger exception_resolutions_never_updated before update on exception_resolutions for each statement
  execute function refuse_change('the first resolution stands');
create trigger exception_resolutions_never_deleted before delete on exception_resolutions for each statement
  execute function refuse_change('the first resolution stands');
create trigger exception_resolutions_never_truncated before truncate on exception_resolutions for each statement
  execute function refuse_change('the first resolution stands');
