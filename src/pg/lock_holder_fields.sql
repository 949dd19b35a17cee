pg_catalog.json_build_object('pid', l.pid, 'gid', p.gid,
  'role', coalesce(a.usename, p.owner), 'application', nullif(a.application_name, ''),
  'since', pg_catalog.to_char(pg_catalog.timezone('UTC', coalesce(a.xact_start, p.prepared)), 'YYYY-MM-DD HH24:MI:SS "UTC"'),
  'idle_since', case when a.state operator(pg_catalog.~~) 'idle in transaction%'
    then pg_catalog.to_char(pg_catalog.timezone('UTC', a.state_change), 'YYYY-MM-DD HH24:MI:SS "UTC"') end,
  'granted', l.granted)
