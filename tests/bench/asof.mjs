// asof.mjs rows FOLDER: the rows. asof.mjs TOOL FOLDER TEXTS: the join of them, CSV to CSV, by DuckDB or
// polars; TEXTS is s for ids that are texts. Packages come from the folder named by $NODE_PACKAGES.
import { createRequire } from 'node:module'

const load = createRequire(process.env.NODE_PACKAGES + '/index.js')
const [what, folder, texts = ''] = process.argv.slice(2)
const file = (name) => `${folder}/asof-${name}.csv`

const features = `SELECT (hash(i) % 100000)::BIGINT id, 1600000000 + (hash(i * 7 + 1) % 31536000)::BIGINT ts,
  (hash(i * 3) % 1000000)::DOUBLE / 1000 v1, (hash(i * 5) % 1000000)::DOUBLE / 1000 v2 FROM range(10000000) t(i)`
const labels = `SELECT (hash(i * 11) % 100000)::BIGINT id, 1600000000 + (hash(i * 13 + 1) % 31536000)::BIGINT ts,
  i % 2 y FROM range(1000000) t(i)`

async function rows() {
  const { DuckDBInstance } = load('@duckdb/node-api')
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  for (const [name, sql] of [['f', features], ['l', labels]]) {
    await db.run(`COPY (${sql}) TO '${file(name)}'`)
    await db.run(`COPY (SELECT 'user_' || id AS id, * EXCLUDE id FROM (${sql})) TO '${file(name + 's')}'`)
  }
}

async function duckdb() {
  const { DuckDBInstance } = load('@duckdb/node-api')
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  await db.run(`COPY (SELECT l.*, f.v1, f.v2 FROM read_csv('${file('l' + texts)}') l
    ASOF LEFT JOIN read_csv('${file('f' + texts)}') f ON l.id = f.id AND l.ts >= f.ts) TO '${file('duckdb')}'`)
}

async function polars() {
  const pl = load('nodejs-polars')
  const t = pl.default ?? pl
  const read = (name) => t.readCSV(file(name + texts)).sort('ts')
  read('l').joinAsof(read('f'), { on: 'ts', by: 'id' }).writeCSV(file('polars'))
}

await { rows, duckdb, polars }[what]()
