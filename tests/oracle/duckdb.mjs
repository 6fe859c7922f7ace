// The same questions to DuckDB and to wrangle, on the flights of examples/. TAP on standard output.
import { createRequire } from 'node:module'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const load = createRequire(process.env.NODE_PACKAGES + '/index.js')
const { DuckDBInstance } = load('@duckdb/node-api')
const place = process.env.BIN ?? 'build/release'
const wrangle = resolve(existsSync(join(place, 'wrangle')) ? join(place, 'wrangle') : place)
const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
const flights = join(folder, 'flights.csv'), airports = join(folder, 'airports.csv')
for (const [name, path] of [['flights', flights], ['airports', airports]])
  writeFileSync(path, gunzipSync(readFileSync(`examples/flights/data/${name}.csv.gz`)))

const db = await (await DuckDBInstance.create(':memory:')).connect()
// Times stay text: how they are written is not what is compared here.
await db.run(`CREATE TABLE f AS SELECT row_number() OVER () AS i, * FROM read_csv('${flights}', types = {'date': 'VARCHAR'})`)
await db.run(`CREATE TABLE a AS SELECT row_number() OVER () AS j, * FROM read_csv('${airports}')`)

// Rows of text cells; numbers to 12 digits, so that the last bit of a mean may differ.
const cell = (v) => {
  if (v === null || v === undefined) return ''
  const n = Number(v)
  return String(v).trim() !== '' && Number.isFinite(n) ? String(Number(n.toPrecision(12))) : String(v)
}
const ask = async (sql) => (await db.runAndReadAll(sql)).getRows().map((r) => r.map(cell))
const run = (program, ...files) =>
  execFileSync(wrangle, ['-t', 'jsonl', program, ...files], { encoding: 'utf8', maxBuffer: 1 << 28, cwd: folder })
    .trim().split('\n').filter(Boolean).map((line) => Object.values(JSON.parse(line)).map(cell))

let count = 0
async function same(name, program, sql, files = [flights]) {
  const got = JSON.stringify(run(program, ...files)), wanted = JSON.stringify(await ask(sql))
  count++
  console.log(`${got === wanted ? 'ok' : 'not ok'} ${count} - ${name} equals DuckDB`)
  if (got !== wanted) console.log(`# got    ${got.slice(0, 300)}\n# wanted ${wanted.slice(0, 300)}`)
}
const columns = 'date, delay, distance, origin, destination'

await same('filter', 'filter delay > 15 and origin in ("ORD", "ATL")',
  `SELECT ${columns} FROM f WHERE delay > 15 AND origin IN ('ORD', 'ATL') ORDER BY i`)
await same('set', 'set speed = round(distance / 60, 2), late = if(delay > 15, 1, 0)',
  `SELECT ${columns}, round(distance / 60, 2), CASE WHEN delay > 15 THEN 1 ELSE 0 END FROM f ORDER BY i`)
await same('agg', 'agg n=count() m=mean(delay) s=std(delay) lo=min(delay) hi=max(distance) md=median(delay) q=quantile(delay, 0.9) u=nunique(destination) by=origin | sort origin',
  `SELECT origin, count(*), avg(delay), stddev(delay), min(delay), max(distance), median(delay), quantile_cont(delay, 0.9), count(DISTINCT destination) FROM f GROUP BY origin ORDER BY origin`)
await same('agg by two', 'agg n=count() d=sum(distance) by=origin,destination | sort origin,destination',
  `SELECT origin, destination, count(*), sum(distance) FROM f GROUP BY ALL ORDER BY origin, destination`)
await same('sort', 'sort delay:desc,origin',
  `SELECT ${columns} FROM f ORDER BY delay DESC NULLS LAST, origin, i`)
await same('dedup', 'dedup origin,destination',
  `SELECT ${columns} FROM f QUALIFY row_number() OVER (PARTITION BY origin, destination ORDER BY i) = 1 ORDER BY i`)
await same('lag', 'lag delay by=origin | select delay,origin,delay_lag1',
  `SELECT delay, origin, lag(delay) OVER (PARTITION BY origin ORDER BY i) FROM f ORDER BY i`)
await same('rolling', 'rolling delay with=mean window=7 by=origin into=m | select origin,m',
  `SELECT origin, avg(delay) OVER (PARTITION BY origin ORDER BY i ROWS 6 PRECEDING) FROM f ORDER BY i`)
for (const how of ['left', 'inner', 'semi', 'anti'])
  await same(`join ${how}`, `join airports.csv on=origin=iata how=${how}`, {
    left: `SELECT date, delay, distance, origin, destination, name, city, state, country, latitude, longitude FROM f LEFT JOIN a ON origin = iata ORDER BY i, j`,
    inner: `SELECT date, delay, distance, origin, destination, name, city, state, country, latitude, longitude FROM f JOIN a ON origin = iata ORDER BY i, j`,
    semi: `SELECT ${columns} FROM f SEMI JOIN a ON origin = iata ORDER BY i`,
    anti: `SELECT ${columns} FROM f ANTI JOIN a ON origin = iata ORDER BY i`,
  }[how])
await same('pivot_longer', 'select origin,delay,distance | pivot_longer delay,distance',
  `SELECT origin, k, v FROM (SELECT i, origin, unnest(['delay', 'distance']) AS k, unnest([delay, distance]) AS v, unnest([1, 2]) AS o FROM f) ORDER BY i, o`)
await same('regex', 'replace date pattern="[/:]" with="-" | select date',
  `SELECT regexp_replace(date, '[/:]', '-', 'g') FROM f ORDER BY i`)
console.log(`1..${count}`)
rmSync(folder, { recursive: true })
