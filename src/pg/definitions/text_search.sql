-- Dictionaries and configurations of text searches that somebody made. Options with what no statement takes in leave
-- a dictionary unmade: see `closes` in schema_object/text.rs.
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'dictionary', 'id', d.oid::regdictionary::text,
  'comment', obj_description(d.oid, 'pg_ts_dict'),
  'make', case when coalesce(d.dictinitoption, '') !~ '[$;\\]|--|/[*]' then json_build_object('dictionary', json_build_object(
    'template', case when pg_ts_template_is_visible(t.oid) then '' else quote_ident(s.nspname) || '.' end || quote_ident(t.tmplname),
    'options', d.dictinitoption)) end)
from needed n
join pg_ts_dict d on n.class = 'pg_ts_dict'::regclass and d.oid = n.oid
join pg_ts_template t on t.oid = d.dicttemplate
join pg_namespace s on s.oid = t.tmplnamespace
where not n.extra
union all
select json_build_object(
  'node', n.class || '/' || n.oid, 'kind', 'search_configuration', 'id', c.oid::regconfig::text,
  'comment', obj_description(c.oid, 'pg_ts_config'),
  'make', json_build_object('search_configuration', json_build_object(
    'parser', case when pg_ts_parser_is_visible(p.oid) then '' else quote_ident(s.nspname) || '.' end || quote_ident(p.prsname),
    'mappings', coalesce((
      select json_agg(json_build_object('token', k.alias, 'dictionaries', m.dictionaries) order by k.tokid)
      from ts_token_type(c.cfgparser) k
      join (
        select m.maptokentype, json_agg(m.mapdict::regdictionary::text order by m.mapseqno) as dictionaries
        from pg_ts_config_map m where m.mapcfg = c.oid group by m.maptokentype) m on m.maptokentype = k.tokid), '[]'))))
from needed n
join pg_ts_config c on n.class = 'pg_ts_config'::regclass and c.oid = n.oid
join pg_ts_parser p on p.oid = c.cfgparser
join pg_namespace s on s.oid = p.prsnamespace
where not n.extra
