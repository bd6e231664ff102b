// The statements behind `\dt` and `\d table` of the built-in prompt.

const tables = `select schemaname as schema, tablename as name, tableowner as owner from pg_tables
where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2`

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

const columnsOf = (table: string): string => `select attname as column, format_type(atttypid, atttypmod) as type,
  case when attnotnull then 'not null' else '' end as nullable,
  coalesce(pg_get_expr(adbin, adrelid), case when attidentity <> '' then 'identity' end, '') as default
from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
where attrelid = ${quote(table)}::regclass and attnum > 0 and not attisdropped order by attnum`

const rulesOf = (
  table: string,
): string => String.raw`select kind, name, regexp_replace(definition, '\s+', ' ', 'g') as definition from (
  select 1 as place, 'index' as kind, c.relname as name, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = ${quote(table)}::regclass
  union all
  select 2, 'constraint', conname, pg_get_constraintdef(oid) from pg_constraint
  where conrelid = ${quote(table)}::regclass and contype <> 'n'
  union all
  select 3, 'trigger', tgname, pg_get_triggerdef(oid) from pg_trigger
  where tgrelid = ${quote(table)}::regclass and not tgisinternal
) as rules order by place, name`

export const metaHelp = String.raw`\d [table]  the tables, or one table's columns, indexes, constraints and triggers
\dt         the tables
\q          end (or Ctrl-D)
Anything else is SQL, up to a semicolon.`

/** The statements of a backslash command; null when there is no such command. */
export const metaStatements = (line: string): string[] | null => {
  const [, command, argument] = /^\\(\w+)\s*([^\s;]*);?\s*$/.exec(line.trim()) ?? []
  if (command === 'dt' || (command === 'd' && !argument)) return [tables]
  if (command === 'd' && argument) return [columnsOf(argument), rulesOf(argument)]
  return null
}
