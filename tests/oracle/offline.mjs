// The offline files of a group as DuckDB reads them, with hive partitioning. TAP on standard output.
import { createRequire } from 'node:module'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const packages = process.env.NODE_PACKAGES
const { DuckDBInstance } = createRequire(packages + '/index.js')('@duckdb/node-api')
const place = process.env.BIN ?? 'build/release'
const fstore = resolve(existsSync(join(place, 'fstore')) ? join(place, 'fstore') : place)
const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
const run = (input, ...args) => execFileSync(fstore, args, { encoding: 'utf8', maxBuffer: 1 << 28, cwd: folder, input, env: { ...process.env, ML_HOME: join(folder, '.ml') } })
const db = await (await DuckDBInstance.create(':memory:')).connect()
await db.run(`SET TimeZone = 'UTC'`)
const ask = async (sql) => (await db.runAndReadAll(sql)).getRowsJson()

let count = 0
function check(name, got, wanted) {
  const a = JSON.stringify(got), b = JSON.stringify(wanted)
  console.log(`${a === b ? 'ok' : 'not ok'} ${++count} - ${name}`)
  if (a !== b) console.log(`# got    ${a.slice(0, 400)}\n# wanted ${b.slice(0, 400)}`)
}

// What there should be is reckoned here, apart from any of the tools.
const rows = []
for (let i = 0; i < 20000; i++) {
  const time = Date.UTC(2001, 0, 30) + ((i * 7919) % 200000) * 1000
  rows.push({ id: `u${(i * 31) % 997}`, at: new Date(time).toISOString(), n: i - 5000, x: i % 3 ? i / 64 : null, ok: i % 5 ? i % 2 === 0 : null,
    seen: i % 7 ? new Date(time - 1e6).toISOString() : null, city: i % 11 ? `city "${i % 50}", é` : '', tags: [`t${i % 4}`, ''], is_deleted: i % 97 === 0 })
}
const lines = (part) => part.map((r) => JSON.stringify(r)).join('\n') + '\n'
run('', 'create', 'users', '--id', 'id', '--time', 'at', '--feature', 'n:int,x:float,ok:bool,seen:time,city:text,tags:list-text', '--offline', 'parquet')
for (const [from, to] of [[0, 12000], [12000, 20000]]) {
  run(lines(rows.slice(from, to)), 'ingest', '-f', 'jsonl', 'users')
  run('', 'materialize', 'users', '--memory', '1M')
}
const files = `read_parquet('${folder}/.ml/fstore/users/offline/data/**/*.parquet', hive_partitioning = true)`
const kept = rows.filter((r) => !r.is_deleted)
const sum = (list, f) => list.reduce((a, r) => a + (f(r) ?? 0), 0)
const wanted = () => [[rows.length, kept.length, sum(kept, (r) => r.n), sum(kept, (r) => r.x), kept.filter((r) => r.ok).length,
  kept.filter((r) => r.seen === null).length, kept.filter((r) => r.city === '').length, new Set(rows.map((r) => r.id)).size]]
const totals = `SELECT count(*)::DOUBLE, (count(*) FILTER (NOT is_deleted))::DOUBLE, sum(n)::DOUBLE, sum(x), (count(*) FILTER (ok))::DOUBLE,
  (count(*) FILTER (seen IS NULL AND NOT is_deleted))::DOUBLE, (count(*) FILTER (city = ''))::DOUBLE, count(DISTINCT id)::DOUBLE FROM ${files}`
const hours = {}
for (const r of rows) hours[r.at.slice(0, 13)] = (hours[r.at.slice(0, 13)] ?? 0) + 1
const wantedHours = Object.entries(hours).sort().map(([h, n]) => [h, n])
const byHour = `SELECT year::VARCHAR || '-' || lpad(month::VARCHAR, 2, '0') || '-' || lpad(day::VARCHAR, 2, '0') || 'T' || lpad(hour::VARCHAR, 2, '0') AS h, count(*)::DOUBLE FROM ${files} GROUP BY h ORDER BY h`
const newest = {}
rows.forEach((r) => {
  if (!newest[r.id] || r.at > newest[r.id].at) newest[r.id] = r
})
const wantedNewest = Object.values(newest).filter((r) => !r.is_deleted).map((r) => [r.id, r.at, r.n]).sort((a, b) => (a[0] < b[0] ? -1 : 1))

for (const when of ['materialized', 'compacted']) {
  if (when === 'compacted') run('', 'compact', 'users', '--grace', '1us')
  check(`${when}: DuckDB's counts and sums`, await ask(totals), wanted())
  check(`${when}: rows are in the hour of their time`, await ask(byHour), wantedHours)
  check(`${when}: no row is in another hour`, Number((await ask(`SELECT count(*) FROM ${files} WHERE year("at") != "year" OR month("at") != "month" OR day("at") != "day" OR hour("at") != "hour"`))[0][0]), 0)
  check(`${when}: types`, (await ask(`SELECT column_type FROM (DESCRIBE SELECT id, "at", n, x, ok, seen, city, tags, api_invocation_time, write_time, is_deleted FROM ${files})`)).map((r) => r[0]),
    ['VARCHAR', 'TIMESTAMP WITH TIME ZONE', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'TIMESTAMP WITH TIME ZONE', 'VARCHAR', 'JSON', 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMP WITH TIME ZONE', 'BOOLEAN'])
  check(`${when}: lists`, Number((await ask(`SELECT count(*) FROM ${files} WHERE json_array_length(tags) = 2 AND json_extract_string(tags, '$[0]') = 't' || ((n + 5000) % 4)`))[0][0]), kept.length)
}
run('', 'snapshot', 'users', '-o', 'newest.parquet')
check('the newest of each entity', await ask(`SELECT id, strftime("at", '%Y-%m-%dT%H:%M:%S.%gZ'), n::DOUBLE FROM '${folder}/newest.parquet' ORDER BY id`), wantedNewest)
run('', 'export', 'users', '--deleted', '-o', 'all.parquet')
check('an export', await ask(totals.replace(files, `'${folder}/all.parquet'`)), wanted())
console.log(`1..${count}`)
rmSync(folder, { recursive: true })
