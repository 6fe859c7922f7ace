// Row groups cut apart and put together by process: files that DuckDB and arrow-rs wrote, with nested columns,
// dictionaries, bloom filters and page indexes, are read by DuckDB, hyparquet and arrow-rs. TAP on standard output.
import { createRequire } from 'node:module'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const packages = resolve(process.env.NODE_PACKAGES)
const load = createRequire(packages + '/index.js')
const { DuckDBInstance } = load('@duckdb/node-api')
const place = resolve(process.env.BIN ?? 'build/release')
const tool = existsSync(join(place, 'process')) ? join(place, 'process') : place
const folder = mkdtempSync(join(tmpdir(), 'oracle-'))
const path = (name) => join(folder, name)
const run = (...args) => execFileSync(tool, args, { encoding: 'utf8', cwd: folder, maxBuffer: 1 << 28 })
const db = await (await DuckDBInstance.create(':memory:')).connect()
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
const skip = (name, without) => console.log(`ok ${++count} - ${name} # SKIP without ${without} (ORACLES=1 installs it)`)

let hyparquet = null, arrow = null
try {
  hyparquet = await import(pathToFileURL(join(packages, 'hyparquet', 'src', 'index.js')).href)
} catch { /* said below */ }
try {
  arrow = load('parquet-wasm/node')
} catch { /* said below */ }

const rowsOf = (file) => ask(`SELECT * FROM read_parquet('${file}', file_row_number = true) ORDER BY file_row_number`)
const withoutNumber = (rows) => rows.map((r) => r.slice(0, -1))
const groupsOf = (file) => ask(`SELECT row_group_num_rows, row_group_num_columns, path_in_schema, type, num_values, compression, encodings, stats_min_value,
  stats_max_value, stats_null_count, total_compressed_size, total_uncompressed_size FROM parquet_metadata('${file}') ORDER BY row_group_id, column_id`)
const aboutFile = (file) => ask(`SELECT created_by, num_rows, num_row_groups FROM parquet_file_metadata('${file}')`)

// What each reader besides DuckDB finds: the sum of a column that all have. hyparquet alone has no more codecs.
async function others(name, file, sum) {
  if (/zstd|brotli|arrow/.test(name)) {
    // not for hyparquet
  } else if (hyparquet) {
    const bytes = readFileSync(file)
    const rows = await hyparquet.parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), columns: ['a'] })
    check(`hyparquet reads ${name}`, rows.reduce((s, r) => s + Number(r.a), 0), sum)
  } else skip(`hyparquet reads ${name}`, 'hyparquet')
  if (arrow) {
    // arrow-rs decodes all columns, and its own writer gives DuckDB what it has read.
    writeFileSync(path('again.parquet'), arrow.writeParquet(arrow.readParquet(new Uint8Array(readFileSync(file)))))
    check(`arrow-rs reads ${name}`, Number((await ask(`SELECT sum(a) FROM '${path('again.parquet')}'`))[0][0]), sum)
  } else skip(`arrow-rs reads ${name}`, 'parquet-wasm')
}

async function cut(name, file) {
  const whole = withoutNumber(await rowsOf(file)), groups = await groupsOf(file), about = await aboutFile(file)
  const keys = await ask(`SELECT key, value FROM parquet_kv_metadata('${file}')`)
  const sum = whole.reduce((s, r) => s + Number(r[0]), 0)
  for (const n of [1, 3, 40]) {
    rmSync(path('parts'), { recursive: true, force: true })
    mkdirSync(path('parts'))
    run('map', 'cat', '-i', file, '-o', 'parts/{rank}.parquet', '--instances', String(n), '--shard', 'record')
    const parts = readdirSync(path('parts')).sort().map((p) => path(join('parts', p)))
    let rows = [], described = [], numbers = 0
    for (const part of parts) {
      const own = withoutNumber(await rowsOf(part)), [[writer, said]] = await aboutFile(part)
      if (Number(said) === own.length && writer === about[0][0]) numbers++
      rows = rows.concat(own)
      described = described.concat(await groupsOf(part))
    }
    check(`${name} in ${n}: DuckDB reads the rows of the whole`, rows, whole)
    check(`${name} in ${n}: with all that is said of its row groups`, described, groups)
    check(`${name} in ${n}: with the numbers of their rows`, numbers, n)
    run('map', 'cat', '-i', file, '-o', 'joined.parquet', '--instances', String(n), '--shard', 'record')
    check(`${name} of ${n} parts: DuckDB reads the whole`, [withoutNumber(await rowsOf(path('joined.parquet'))), await groupsOf(path('joined.parquet')),
      await aboutFile(path('joined.parquet')), await ask(`SELECT key, value FROM parquet_kv_metadata('${path('joined.parquet')}')`)], [whole, groups, about, keys])
    if (n === 3) {
      await others(`${name} of ${n} parts`, path('joined.parquet'), sum)
      await others(`a part of ${name}`, parts[1], withoutNumber(await rowsOf(parts[1])).reduce((s, r) => s + Number(r[0]), 0))
    }
  }
  // Row groups are passed over by statistics, and were by bloom filters.
  for (const where of ['a = 3000', 'a > 11990', `b = 'w3'`, `b = 'none'`, 'h > 0.99', 'a IS NULL']) {
    const [x, y] = await Promise.all([file, path('joined.parquet')].map((f) => ask(`SELECT count(*) FROM '${f}' WHERE ${where}`)))
    check(`${name} of parts: DuckDB finds the rows where ${where}`, y, x)
  }
  run('map', 'cat', '-i', file, '-i', path('joined.parquet'), '-o', 'twice.parquet', '--instances', '3', '--shard', 'record')
  check(`${name} twice: DuckDB reads both`, withoutNumber(await rowsOf(path('twice.parquet'))), whole.concat(whole))
}

await db.run(`CREATE TABLE t AS SELECT i AS a, CASE WHEN i % 5 THEN 'w' || (i % 7) END AS b, (hash(i) % 1000000) / 1e6 AS h, i::DECIMAL(9, 2) AS d,
  DATE '2000-01-01' + i::INTEGER AS day, [i, NULL, i % 3] AS l, {'x': i, 'y': ['a' || i]} AS s, MAP {'k' || (i % 3): i} AS m, ('b' || i)::BLOB AS raw,
  NULL::INTEGER AS nothing FROM range(12000) r(i) ORDER BY i`)
for (const [codec, version] of [['zstd', 'V1'], ['snappy', 'V2'], ['brotli', 'V1'], ['uncompressed', 'V2']]) {
  await db.run(`COPY t TO '${path(codec + '.parquet')}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE 2048, KV_METADATA {about: 'a table'})`)
  await cut(`DuckDB's ${codec} ${version}`, path(codec + '.parquet'))
}
const filters = await ask(`SELECT count(bloom_filter_offset) FROM parquet_metadata('${path('zstd.parquet')}')`)
const left = await ask(`SELECT count(bloom_filter_offset) FROM parquet_metadata('${path('joined.parquet')}')`)
check('bloom filters are left behind', [Number(filters[0][0]) > 0, Number(left[0][0])], [true, 0])

if (arrow) {
  const table = arrow.readParquet(new Uint8Array(readFileSync(path('zstd.parquet'))))
  const properties = new arrow.WriterPropertiesBuilder().setCompression(arrow.Compression.ZSTD).setMaxRowGroupSize(1500).setDataPageSizeLimit(2000)
    .setStatisticsEnabled(arrow.EnabledStatistics.Page).build()
  writeFileSync(path('arrow.parquet'), arrow.writeParquet(table, properties))
  await cut('arrow-rs with page indexes', path('arrow.parquet'))
  if (hyparquet) {
    const indexes = (file) => {
      const bytes = readFileSync(file)
      const { row_groups } = hyparquet.parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
      return row_groups.flatMap((g) => g.columns).filter((c) => c.column_index_offset || c.offset_index_offset).length
    }
    check('page indexes are left behind', [indexes(path('arrow.parquet')) > 0, indexes(path('joined.parquet'))], [true, 0])
  } else skip('page indexes are left behind', 'hyparquet')
} else skip('row groups of arrow-rs', 'parquet-wasm')

// One table, two schemas.
await db.run(`COPY (SELECT a::INTEGER AS a FROM t) TO '${path('x.parquet')}' (FORMAT parquet)`)
await db.run(`COPY (SELECT a::DOUBLE AS a FROM t) TO '${path('y.parquet')}' (FORMAT parquet)`)
const refused = spawnSync(tool, ['map', 'cat', '-i', path('x.parquet'), '-i', path('y.parquet'), '-o', 'z.parquet'], { encoding: 'utf8', cwd: folder })
check('two schemas are refused', [refused.status, /column 'a': its type is float, but int/.test(refused.stderr), existsSync(path('z.parquet'))], [3, true, false])
console.log(`1..${count}`)
rmSync(folder, { recursive: true })
