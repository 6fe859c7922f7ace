// peers.mjs TOOL TASK FILE: one benchmark task in DuckDB or polars, results to /dev/null.
// Packages come from the folder named by $NODE_PACKAGES.
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'

const load = createRequire(process.env.NODE_PACKAGES + '/index.js')
const [tool, task, file] = process.argv.slice(2)
const eight = ['quantity', 'unit_price', 'discount', 'amount', 'age', 'score', 'lat', 'lon']

async function duckdb() {
  const { DuckDBInstance } = load('@duckdb/node-api')
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  const from = `FROM read_csv('${file}')`
  const out = (select, format = 'csv') => `COPY (${select}) TO '/dev/null' (FORMAT ${format})`
  const scaled = ['amount', 'unit_price', 'score']
    .map((c) => `(${c} - (SELECT avg(${c}) FROM t)) / (SELECT stddev_pop(${c}) FROM t) AS ${c}`)
  const countries = `SELECT DISTINCT country FROM t WHERE country IS NOT NULL`
  const sql = {
    count: `SELECT count(*) ${from}`,
    select: out(`SELECT id, country, amount ${from}`),
    filter: out(`SELECT * ${from} WHERE amount > 200`),
    moments: `SELECT ${eight.map((c) => `count(${c}), avg(${c}), stddev(${c}), min(${c}), max(${c})`)} ${from}`,
    group: `SELECT country, avg(amount) ${from} GROUP BY country`,
    sort: out(`SELECT * ${from} ORDER BY amount`),
    jsonl: out(`SELECT * ${from}`, 'json'),
    parquet: out(`SELECT * ${from}`, 'parquet'),
    unparquet: out(`SELECT * FROM read_parquet('${file}')`),
    regex: out(`SELECT * REPLACE (regexp_replace(address, '[0-9]+', '#', 'g') AS address) ${from}`),
  }
  if (task === 'encode') {
    await db.run(`CREATE TABLE t AS SELECT * ${from}`)
    const rows = await (await db.runAndReadAll(countries)).getRows()
    const hot = rows.map(([c]) => `(country = '${c}')::INT AS "country_${c}"`)
    await db.run(out(`SELECT * EXCLUDE (country, amount, unit_price, score), ${hot}, ${scaled} FROM t`))
    return
  }
  await db.runAndReadAll(sql[task])
}

async function polars() {
  const pl = load('nodejs-polars')
  const t = pl.default ?? pl
  const scan = () => t.scanCSV(file, { inferSchemaLength: 10000 })
  const write = (frame, format = 'writeCSV') => writeFileSync('/dev/null', frame[format]())
  const read = (columns) => t.readCSV(file, { columns })
  const tasks = {
    count: () => read(['id']).height,
    select: () => write(read(['id', 'country', 'amount'])),
    filter: () => write(t.readCSV(file).filter(t.col('amount').gt(200))),
    moments: () => read(eight).select(...eight.flatMap((c) => [
      t.col(c).mean().alias(c + 'm'), t.col(c).std().alias(c + 's'),
      t.col(c).min().alias(c + 'i'), t.col(c).max().alias(c + 'a')])),
    group: () => read(['country', 'amount']).groupBy('country').agg(t.col('amount').mean()),
    sort: () => write(t.readCSV(file).sort('amount')),
    jsonl: () => write(t.readCSV(file), 'writeJSON'),
    parquet: () => write(t.readCSV(file), 'writeParquet'),
    unparquet: () => write(t.readParquet(file)),
    regex: () => write(t.readCSV(file).withColumn(t.col('address').str.replaceAll('[0-9]+', '#'))),
    encode: () => {
      let f = t.readCSV(file)
      for (const c of ['amount', 'unit_price', 'score'])
        f = f.withColumn(t.col(c).sub(t.col(c).mean()).div(t.col(c).std(0)))
      write(t.concat([f.drop('country'), f.select('country').toDummies()], { how: 'horizontal' }))
    },
  }
  void scan
  await tasks[task]()
}

await { duckdb, polars }[tool]()
