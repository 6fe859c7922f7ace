// fstore join beside DuckDB's ASOF join, on times without ties. TAP on standard output.
import { createRequire } from 'node:module'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const load = createRequire(process.env.NODE_PACKAGES + '/index.js')
const { DuckDBInstance } = load('@duckdb/node-api')
const place = process.env.BIN ?? 'build/release'
const bin = resolve(existsSync(join(place, 'fstore')) ? place : dirname(place))
const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
const db = await (await DuckDBInstance.create(':memory:')).connect()

// hash(i) orders the numbers, so that no two times are the same.
const rows = (n, salt, columns) => `SELECT (hash(i * ${salt}) % 500)::BIGINT id,
  1600000000 + row_number() OVER (ORDER BY hash(i + ${salt})) AS t, ${columns} FROM range(${n}) x(i) ORDER BY hash(i * 17)`
for (const [name, sql] of [['f', rows(40000, 3, 'i AS v, i / 7 AS w')], ['l', rows(20000, 5, 'i AS y')]])
  for (const format of ['csv', 'parquet'])
    await db.run(`COPY (${sql}) TO '${folder}/${name}.${format}'`)

let count = 0
for (const [words, before] of [[[], '>='], [['--strict'], '>']]) {
  const sql = `SELECT l.*, f.v, f.w FROM '${folder}/l.csv' l ASOF LEFT JOIN '${folder}/f.csv' f ON l.id = f.id AND l.t ${before} f.t ORDER BY y`
  const wanted = (await db.runAndReadAll(sql)).getRows().map((r) => r.map((c) => (c === null ? '' : String(Number(c)))).join())
  for (const format of ['csv', 'parquet']) {
    const text = execFileSync(join(bin, 'fstore'), ['join', '--labels', `l.${format}`, '--time', 't', '--time-unit', 's', '--id', 'id',
      ...words, '-t', 'csv', `f.${format}`], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 })
    const got = text.trim().split('\n').slice(1).map((line) => line.split(',').map((c) => (c === '' ? '' : String(Number(c)))))
    got.sort((a, b) => a[2] - b[2])
    const same = got.length === wanted.length && got.every((r, i) => r.join() === wanted[i])
    console.log(`${same ? 'ok' : 'not ok'} ${++count} - ${format} ${words} equals DuckDB`)
    if (!same) console.log(`# got ${got.slice(0, 3).join(' ')}\n# wanted ${wanted.slice(0, 3)}`)
  }
}
rmSync(folder, { recursive: true })
console.log(`1..${count}`)
