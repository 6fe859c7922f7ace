// Parquet both ways: files that DuckDB wrote are read here, files written here are read by DuckDB and by
// hyparquet. TAP on standard output.
import { createRequire } from 'node:module'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const packages = process.env.NODE_PACKAGES
const { DuckDBInstance } = createRequire(packages + '/index.js')('@duckdb/node-api')
const place = process.env.BIN ?? 'build/release'
const wrangle = resolve(existsSync(join(place, 'wrangle')) ? join(place, 'wrangle') : place)
const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
const path = (name) => join(folder, name)
const run = (...args) => execFileSync(wrangle, args, { encoding: 'utf8', maxBuffer: 1 << 28, cwd: folder })
const lines = (...args) => run('convert', '-t', 'jsonl', ...args).trim().split('\n').filter(Boolean).map((l) => JSON.parse(l))
const db = await (await DuckDBInstance.create(':memory:')).connect()
await db.run(`SET TimeZone = 'UTC'`)
const ask = async (sql) => (await db.runAndReadAll(sql)).getRowsJson()

let count = 0
function check(name, got, wanted) {
  const a = JSON.stringify(got), b = JSON.stringify(wanted)
  console.log(`${a === b ? 'ok' : 'not ok'} ${++count} - ${name}`)
  if (a !== b) {
    let at = 0
    while (a[at] === b[at]) at++
    console.log(`# got    ...${a.slice(Math.max(0, at - 80), at + 120)}\n# wanted ...${b.slice(Math.max(0, at - 80), at + 120)}`)
  }
}

// What DuckDB's value is as text here, by its type.
const shown = {
  ts: `strftime(ts, '%Y-%m-%dT%H:%M:%S.%f')`, ns: `strftime(ns::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f')`,
  ms: `strftime(ms::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f')`, sec: `strftime(sec::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f')`,
  tz: `strftime(tz, '%Y-%m-%dT%H:%M:%S.%fZ')`,
}
const columns = {
  i8: `(h % 200 - 100)::TINYINT`, i16: `(h % 60000 - 30000)::SMALLINT`, i32: `(h % 4000000000 - 2000000000)::INTEGER`,
  i64: `(h % 9000000000000000000 - 4500000000000000000)::BIGINT`, u8: `(h % 256)::UTINYINT`, u16: `(h % 65536)::USMALLINT`,
  u32: `(h % 4294967296)::UINTEGER`, u64: `h::UBIGINT`, f: `(h % 1000 / 8.0)::FLOAT`, d: `(h % 100000 / 7.0)::DOUBLE`,
  b: `h % 2 = 0`, s: `'text ' || (h % 50)`, long: `'☃ ' || h`, dec4: `(h % 1000 / 10.0)::DECIMAL(4,1)`,
  dec9: `(h % 1000000 / 100.0 - 5000)::DECIMAL(9,2)`, dec18: `(h % 1000000000000 / 1000.0)::DECIMAL(18,3)`,
  dec38: `(h::HUGEINT * 1000003 - 8000000000000000000)::DECIMAL(38,0)`, dt: `DATE '1900-01-01' + (h % 80000)::INTEGER`,
  tm: `TIME '00:00:00' + to_seconds((h % 86400)::BIGINT)`, ts: `TIMESTAMP '1960-01-01' + to_microseconds((h % 3000000000000000)::BIGINT)`,
  tz: `TIMESTAMPTZ '2020-01-01 00:00:00Z' + to_milliseconds((h % 30000000000)::BIGINT)`,
  ns: `make_timestamp_ns((h % 4000000000000000000)::BIGINT)`, ms: `make_timestamp_ms((h % 4000000000000)::BIGINT)::TIMESTAMP_MS`,
  sec: `TIMESTAMP '1970-01-01' + to_seconds((h % 4000000000)::BIGINT)`,
  u: `('00000000-0000-4000-8000-' || lpad((h % 1000000000000)::VARCHAR, 12, '0'))::UUID`,
  e: `(CASE h % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'green' ELSE 'blue' END)::ENUM('red', 'green', 'blue')`,
  js: `('{"a":' || (h % 9) || '}')::JSON`, nothing: `NULL::INTEGER`,
}
const names = Object.keys(columns)

// The same value in both: numbers as numbers, times to the microsecond, all else as text.
function plain(name, v) {
  if (v === null || v === undefined) return null
  if (['ts', 'ns', 'ms', 'sec', 'tz'].includes(name)) {
    const [, head, fraction = ''] = /^([^.Z]*)\.?(\d*)Z?$/.exec(v)
    return `${head}.${fraction.padEnd(6, '0').slice(0, 6)}`
  }
  if (name === 'tm') return v.replace(/\.0+$/, '')
  if (name === 'f') return Math.fround(Number(v))
  if (name === 'd' || /^dec[49]$/.test(name)) return Number(v)
  if (name === 'js') return JSON.stringify(typeof v === 'string' ? JSON.parse(v) : v)
  return String(v)
}
const rowsOf = (list) => list.map((row) => row.map((v, i) => plain(names[i], v)))
// JSON.parse would round integers of more than 53 bits: cells come as CSV, where none is quoted.
const readHere = (file) => {
  const [, ...rows] = run('convert', '-t', 'tsv', file).split('\n').slice(0, -1)
  return rowsOf(rows.map((r) => r.split('\t').map((v) => (v === '' ? null : v.replace(/^"(.*)"$/, (_, t) => t.replace(/""/g, '"'))))))
}

for (const [nulls, rows] of [[0, 3000], [4, 3000], [2, 1], [3, 250000]]) {
  const wide = rows > 10000 ? ['i32', 's', 'd', 'long'] : names
  const made = names.map((n) => (wide.includes(n) ? `${nulls ? `CASE WHEN hash(i, '${n}') % ${nulls} = 0 THEN NULL ELSE ${columns[n]} END` : columns[n]}` : 'NULL::INTEGER') + ` AS ${n}`)
  await db.run(`CREATE OR REPLACE TABLE t AS SELECT ${made.join(', ')} FROM (SELECT i, hash(i)::HUGEINT AS h FROM range(${rows}) r(i)) ORDER BY i`)
  const wanted = rowsOf(await ask(`SELECT ${names.map((n) => (wide.includes(n) && shown[n]) || n).join(', ')} FROM t`))
  for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw'])
    for (const version of ['V1', 'V2']) {
      if (rows > 10000 && codec !== 'zstd') continue
      const file = path('t.parquet')
      await db.run(`COPY t TO '${file}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048)`)
      check(`DuckDB's ${codec} ${version}, ${rows} rows, one in ${nulls} missing`, readHere(file), wanted)
    }
}

// Nested columns are refused by name, unless nobody looks at them.
await db.run(`COPY (SELECT i AS a, [i, 2] AS l, {'x': i} AS s, 'w' || i AS b FROM range(5) r(i)) TO '${path('nested.parquet')}' (FORMAT parquet)`)
check('flat columns beside nested ones', run('select a,b', path('nested.parquet')), 'a,b\n' + [0, 1, 2, 3, 4].map((i) => `${i},w${i}\n`).join(''))
const refused = spawnSync(wrangle, ['convert', path('nested.parquet')], { encoding: 'utf8' })
check('nested columns are named', [refused.status, /column 'l': it is nested/.test(refused.stderr)], [3, true])
const unseen = spawnSync(wrangle, ['filter a > 100', path('nested.parquet')], { encoding: 'utf8' })
check('also when no row is wanted', [unseen.status, /column 'l': it is nested/.test(unseen.stderr)], [3, true])

// Row groups are passed over by DuckDB's statistics: the same rows as DuckDB finds, and as in the text.
await db.run(`CREATE OR REPLACE TABLE t AS SELECT i, (i // 100)::UTINYINT AS u8, i::UBIGINT * 900000000000007 AS u64, (i - 10000) * 900000000000003 AS big,
  i / 16::DOUBLE AS d, (i / 3)::FLOAT AS f, CASE WHEN i % 5000 < 3 THEN 'NaN'::DOUBLE ELSE i END AS nan, CASE WHEN i < 4096 THEN -0.0::DOUBLE ELSE 0.0::DOUBLE END AS zero,
  CASE WHEN i // 2048 % 2 = 0 THEN NULL ELSE i END AS half, printf('%06d', i) || repeat('é', (i % 3) * 40) AS s, (i / 100)::DECIMAL(9, 2) AS dec,
  make_date((i // 7)::INTEGER) AS day, make_timestamp(i * 1000003)::TIMESTAMPTZ AS tz, make_timestamp_ns(i * 1000000007) AS ns, i % 3 = 0 AS yes
  FROM range(20000) r(i) ORDER BY i`)
await db.run(`COPY t TO '${path('groups.parquet')}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`)
writeFileSync(path('groups.csv'), run('convert', path('groups.parquet')))
for (const condition of ['i < 2048', 'i <= 2048', 'i > 2047', 'i >= 6144 and i < 6145', 'i = 4096', 'i in (1, 19999)', 'u8 > 198', 'u8 < 1', 'big > 9007199254740993',
  'big = 9000000000000030', 'big < -8990000000000000000.0', 'd = 128', 'd > 1249.9', 'f < 0.4', 'f > 6665.5', 'zero = 0', 'zero < 0', 'zero >= 0', 'half < 5000',
  'half is not null and i < 3000', 'half != 9000', "s < '000100'", "s >= '019990'", "s = '002048'", "tz < '1970-01-01T00:34:08Z'", "tz >= '1970-01-01T05:30:00Z'",
  'yes and i > 19000', 'i between 2047 and 2048', 'i not between 5 and 19990', 'i < 5 or i > 19990', 'not (i < 19000 or d > 1240)']) {
  const ours = condition.replace(/ = /g, ' == ').replace(/(\w+) is not null/, 'not_null($1)').replace(/'/g, '"')
  const [[n]] = await ask(`SELECT count(*) AS n FROM t WHERE ${condition}`)
  check(`groups passed over: ${condition}`, run(`filter ${ours} | agg n=count()`, path('groups.parquet')), `n\n${n}\n`)
}
for (const condition of ['nan > 19000', 'nan < 100', 'nan != 5', 'not_null(nan) and i > 19000', 'u64 < 5', 'dec > 199', 'day > "1977-10-01"', 'ns > "1970-01-01T05:33:00"',
  'i > 19000 and 1 / nan > 0', 'i > 19000 and day > "1977-10-01"'])
  check(`groups passed over: ${condition}, as text`, run('--zone=UTC', `filter ${condition} | select i,s`, path('groups.parquet')), run('--zone=UTC', `filter ${condition} | select i,s`, path('groups.csv')))
const divided = spawnSync(wrangle, ['filter nan > 19000 and 1 / (i - 10000) > 0', path('groups.parquet')], { encoding: 'utf8' })
check('a missing cell lets the next condition fail', [divided.status, /groups.parquet:10001:/.test(divided.stderr)], [3, true])

// Files written here. Every number of JSON is read as text, so that none is rounded by JavaScript.
writeFileSync(path('flights.csv'), gunzipSync(readFileSync('examples/flights/data/flights.csv.gz')))
writeFileSync(path('airports.csv'), gunzipSync(readFileSync('examples/flights/data/airports.csv.gz')))
let mixed = 'id,word,x,yes,at,none\n'
for (let i = 0; i < 130000; i++)
  mixed += `${i % 11 ? (i - 60000) * 1000003 : ''},${i % 7 ? `"w ${i % 5000}, é"` : ''},${i % 3 ? i / 64 : ''},${i % 2 ? 'true' : 'false'},${i % 5 ? new Date(i * 86400123).toISOString() : ''},\n`
writeFileSync(path('mixed.csv'), mixed)
writeFileSync(path('one.csv'), 'a\n1\n')
writeFileSync(path('empty.csv'), 'a,b\n')
writeFileSync(path('nested.jsonl'), '{"a":[1,2],"b":{"c":"d"}}\n{"a":null,"b":{}}\n')

let hyparquet = null
try {
  hyparquet = await import(pathToFileURL(join(resolve(packages), 'hyparquet', 'src', 'index.js')).href)
} catch { /* said below */ }

const text = (v) => (v === null || v === undefined ? null : v instanceof Date ? v.toISOString() : typeof v === 'object' ? JSON.stringify(v) : String(v))
for (const file of ['flights.csv', 'airports.csv', 'mixed.csv', 'one.csv', 'empty.csv', 'nested.jsonl']) {
  const out = path('ours.parquet')
  run('convert', path(file), '-o', out)
  const { columns: described } = JSON.parse(run('sniff', out))
  const times = new Set(described.filter((c) => c.type === 'time').map((c) => c.name))
  // What we read is what the file held; what the others read is compared with that.
  const ours = lines(out).map((row) => described.map(({ name }) => (times.has(name) && row[name] !== null ? new Date(row[name]).toISOString() : text(row[name]))))
  const select = described.map(({ name }) => (times.has(name) ? `strftime("${name}", '%Y-%m-%dT%H:%M:%S.%gZ')` : `"${name}"`)).join(', ')
  const types = described.map((c) => c.type)
  const same = (rows) => rows.map((r) => r.map((v, i) => (v !== null && types[i] === 'json' ? JSON.stringify(typeof v === 'string' ? JSON.parse(v) : v) : text(v))))
  check(`DuckDB reads our ${file}`, same(await ask(`SELECT ${select} FROM '${out}'`)), same(ours))
  const bounds = await ask(`SELECT count(*) FROM parquet_metadata('${out}') WHERE stats_null_count IS NULL`)
  check(`with the count of missing cells for DuckDB in ${file}`, Number(bounds[0][0]), 0)
  if (!hyparquet) {
    console.log(`ok ${++count} - hyparquet reads our ${file} # SKIP without hyparquet (ORACLES=1 installs it)`)
    continue
  }
  const bytes = readFileSync(out)
  const rows = await hyparquet.parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) })
  check(`hyparquet reads our ${file}`, same(rows.map((r) => described.map(({ name }) => r[name]))), same(ours))
}

// Row groups are passed over by what the statistics say: DuckDB must find all rows all the same.
run('convert', path('mixed.csv'), '-o', path('ours.parquet'))
for (const where of ['id = 1000003', 'x > 2030', `word = 'w 4999, é'`, 'id IS NULL', 'yes']) {
  const [a, b] = await Promise.all([`'${path('ours.parquet')}'`, `read_csv('${path('mixed.csv')}')`].map((t) => ask(`SELECT count(*) FROM ${t} WHERE ${where}`)))
  check(`DuckDB finds the rows where ${where}`, a, b)
}
console.log(`1..${count}`)
rmSync(folder, { recursive: true })
